"""The catalogue of base models: what is listed, on which day, and which model really answers."""
