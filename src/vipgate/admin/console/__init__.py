"""The pages for the platform's staff: find a record, say why a push was refused, see which park has gone silent."""
