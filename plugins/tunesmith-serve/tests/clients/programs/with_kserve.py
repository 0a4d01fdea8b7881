"""Reads an InferenceService with the models of KServe and Kubernetes; prints what they keep."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import kserve
import yaml
from kubernetes.client import models as kubernetes_models

document = yaml.safe_load(Path(sys.argv[1]).read_text("utf-8"))
# KServe's models name those of Kubernetes, and its reader looks for all among its own.
for name, model in vars(kubernetes_models).items():
    if isinstance(model, type) and not hasattr(kserve.models, name):
        setattr(kserve.models, name, model)
reader = kserve.ApiClient()
response = SimpleNamespace(data=json.dumps(document))
read = reader.deserialize(response, f"V1beta1{document['kind']}")
print(json.dumps(reader.sanitize_for_serialization(read)))
