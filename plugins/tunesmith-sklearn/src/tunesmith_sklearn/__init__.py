"""Three text classifiers as a backend: the baselines, and the smallest example of a plugin.

Read the files in this order: ``plugin.py`` (the registration), ``methods.py`` (the classifiers),
``embeddings.py`` (the sentence embeddings of one of them), ``store.py`` (the files) and
``backend.py`` (the interface).
"""
