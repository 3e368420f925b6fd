"""The agent's page: pages on this machine only, in a browser, to set the agent up and to look after it."""
