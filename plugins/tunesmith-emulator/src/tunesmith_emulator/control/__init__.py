"""The control plane: state and settings for tests and for the web page."""
