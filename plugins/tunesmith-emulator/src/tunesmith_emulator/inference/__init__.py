"""Text generation, chat and tokenization, by base model and by deployment."""
