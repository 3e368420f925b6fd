"""The texts of the pages in two languages, one file per group of pages."""
