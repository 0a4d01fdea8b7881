"""Many experiments on the same rows: ladders and benchmarks."""
