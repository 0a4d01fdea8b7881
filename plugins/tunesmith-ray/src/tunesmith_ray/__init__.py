"""The trials of a benchmark on a Ray cluster."""
