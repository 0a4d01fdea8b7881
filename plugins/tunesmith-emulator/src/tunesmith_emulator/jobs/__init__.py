"""Jobs of batch deployments."""
