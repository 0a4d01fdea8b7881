"""The control plane: what a test or a person may look at and turn."""
