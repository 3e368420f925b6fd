"""The public port: receives signed pushes from car parks and stores them before it answers."""
