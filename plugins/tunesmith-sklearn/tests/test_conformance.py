"""Every method passes the suite that every backend passes."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tunesmith.testing.conformance import BackendConformance
from tunesmith_sklearn import embeddings
from tunesmith_sklearn.backend import SklearnBackend


class TestTfidfLogreg(BackendConformance):
    backend_class = SklearnBackend
    experiment_values: ClassVar = {"method": {"name": "tfidf_logreg", "c": 5.0}}
    any_base_model = True
    seed_matters = False


class TestMajority(BackendConformance):
    backend_class = SklearnBackend
    experiment_values: ClassVar = {"method": {"name": "majority"}}
    any_base_model = True
    seed_matters = False


@pytest.mark.skipif(embeddings.trouble() is not None, reason=str(embeddings.trouble()))
class TestEmbeddingsLogreg(BackendConformance):
    backend_class = SklearnBackend
    experiment_values: ClassVar = {"method": {"name": "embeddings_logreg", "c": 5.0}}
    any_base_model = True
    seed_matters = False
