"""The cheap truth as a backend, and the smallest example of a tunesmith plugin.

Read ``plugin.py`` (what it registers), ``methods.py`` (what it fits), ``store.py`` (what it
keeps) and ``backend.py`` (the interface), in this order.
"""
