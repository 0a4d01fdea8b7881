"""Base models: files, types, weights and tokenizers."""
