"""A run: its directory, its record, and what is concluded from them."""
