"""``tunesmith ui``: a folder of runs as pages in a browser, on this machine, read-only."""
