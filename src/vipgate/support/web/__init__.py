"""What web pages of the gateway and of the agent share: look, form fields, charts, texts, guards, server."""
