"""Projects, spaces and other resources of the platform."""
