"""The kubeflow backend of tunesmith: tuning on a Kubernetes cluster."""
