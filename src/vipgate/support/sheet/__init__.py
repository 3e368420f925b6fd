"""Reads Excel and OpenDocument sheets in a separate process, so that a malformed file cannot crash the agent."""
