"""A run: its directory, its record, and the conclusions from them."""
