"""Sets up an agent: checks, proposed configuration, preview. Shared by the commands and the page."""
