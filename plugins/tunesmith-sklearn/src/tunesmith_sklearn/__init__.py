"""Two text classifiers as a backend: the baselines, and the smallest example of a plugin.

Read the files in this order: ``plugin.py`` (the registration), ``methods.py`` (the classifiers),
``store.py`` (the files) and ``backend.py`` (the interface).
"""
