"""Assets: uploaded data and tuned models."""
