"""Turns a row of the source into a renewal."""
