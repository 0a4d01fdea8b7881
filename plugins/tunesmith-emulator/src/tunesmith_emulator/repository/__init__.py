"""What the repository keeps besides models: functions, AI services, experiments, pipelines."""
