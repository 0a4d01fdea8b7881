"""The wires: each reads the bodies of its requests and writes those of its answers."""
