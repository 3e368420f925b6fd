"""The texts of the pages, a file for each group of them, as pairs in two languages."""
