"""Help for tests: a backend in memory, and the conformance suite that every backend must pass.

``tunesmith.testing.fake`` needs nothing but the core. ``tunesmith.testing.conformance`` imports
pytest, which ``pip install 'tunesmith[testing]'`` brings, so only test modules may import it.
"""
