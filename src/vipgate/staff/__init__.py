"""The staff of the platform: who may do what, and which of a car's data they see."""
