"""The numbers of one model and of two: metrics, comparison, statistics, calibration, readings."""
