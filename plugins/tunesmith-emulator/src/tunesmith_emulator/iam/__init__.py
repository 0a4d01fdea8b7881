"""Identity: API keys become tokens, tokens open the other services."""
