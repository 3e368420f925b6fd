"""The views, a file for each group of pages: read the fields, ask the database, answer with a page."""
