"""Identity: API keys are exchanged for tokens, and the other services check tokens."""
