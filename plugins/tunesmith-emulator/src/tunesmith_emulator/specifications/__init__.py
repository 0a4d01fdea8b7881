"""Software specifications, their package extensions, and hardware specifications."""
