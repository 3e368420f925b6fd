"""The public port: receives signed pushes from car parks and commits them before it responds."""
