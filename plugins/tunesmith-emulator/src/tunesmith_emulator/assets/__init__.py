"""Data assets: uploads, downloads, and the models that tunings made."""
