"""One file for each page: reads what it shows and carries out its forms."""
