"""What the rest of the code may ask of a store, and the records it answers with."""
