"""Reads Excel and OpenDocument sheets in a process of its own: whatever a file does to its reader, the agent lives."""
