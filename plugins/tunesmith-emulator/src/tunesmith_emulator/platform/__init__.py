"""Projects, spaces and what else of the platform a client asks for."""
