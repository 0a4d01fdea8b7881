"""The stages of a run: checks, prompts, predictions, baselines, calibration."""
