"""The catalogue of base models: the models of a day, and the models that answer for them."""
