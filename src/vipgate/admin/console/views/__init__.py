"""The views, one file per group of pages: read the fields, query the database, render a page."""
