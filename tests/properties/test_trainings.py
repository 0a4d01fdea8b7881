"""Hostile rows, uploaded as to watsonx.ai: a training fails with a reason, or is right."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_counts import count, examples
from property_files import File, pairs_of, written
from property_refusals import assert_it_helps
from property_texts import label_sets, odd_texts, texts

from tunesmith import connect
from tunesmith.backend import Backend
from tunesmith.dataset import dataset_of
from tunesmith.labels import LabelSet
from tunesmith.spec import TuningSpec

EMULATOR_TESTS = Path(__file__).parents[2] / "plugins/tunesmith-emulator/tests/service"
ASKED = 3
"""Rows of each training that the deployment is asked about."""


@pytest.fixture(scope="module")
def rest() -> Iterator[Any]:
    """A client of a running emulator over scikit-learn."""
    pytest.importorskip("tunesmith_emulator")
    sys.path.insert(0, str(EMULATOR_TESTS))
    from service_rest import Rest

    from tunesmith_emulator import Emulator

    with Emulator("sklearn") as emulator:
        client = Rest(emulator.url, emulator.ca_file, emulator.project_id)
        with client:
            yield client
    sys.path.remove(str(EMULATOR_TESTS))


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The same backend without the emulator."""
    with connect("sklearn", store=str(tmp_path_factory.mktemp("store"))) as direct:
        yield direct


@st.composite
def uploads(draw: Any) -> tuple[File, str]:
    """Draw a file of rows, and a name of the training."""
    names = draw(label_sets)
    odd = draw(st.sampled_from((False, False, False, True, False, False)))
    pairs = [*[(draw(texts), name) for name in names], *draw(pairs_of(names, 6))]
    pairs = draw(pairs_of(names, 6, odd_texts)) if odd else pairs
    name = draw(st.sampled_from((".json", ".jsonl", "chat.jsonl")))
    return written(name, pairs, draw), draw(texts)[:100]


@examples(few=4, many=100)
@given(upload=uploads())
def test_a_training_fails_with_a_reason_or_answers_as_the_backend_does(
    rest: Any, backend: Backend, part: int, upload: tuple[File, str]
) -> None:
    file, name = upload
    body = rest.training_body(rest.upload(file.content, file.name)) | {"name": name}
    training = rest.post("/ml/v4/trainings", body)["metadata"]["id"]
    classes = {label for _, label in file.rows}
    sound = file.acceptable and len(classes) > 1
    ended = rest.ended(training, "completed" if sound else "failed")["entity"]
    assert ended["name"] == name
    if not sound:
        (error,) = ended["status"]["failure"]["errors"]
        assert_it_helps(error["message"], file.name)
        count("trainings", "failed with a reason")
        return
    inputs = [text for text, _ in file.rows[:ASKED]]
    deployment = rest.deploy(ended["model_id"])
    rest.ready(deployment)
    answers = [rest.generate(deployment, text) for text in inputs]
    rest.ask("DELETE", f"/ml/v4/deployments/{deployment}")
    assert answers == _direct(backend, file, inputs)
    assert set(answers) <= classes
    count("trainings", "completed")


def _direct(backend: Backend, file: File, inputs: list[str]) -> list[str]:
    """Return the answers of the same backend, asked without HTTP."""
    rows = dataset_of(file.rows)
    spec = TuningSpec(labels=LabelSet.model_validate(rows.outputs), method="tfidf_logreg")
    model = backend.tuner.submit(spec, rows.rows).wait()
    deployment = backend.deployer.deploy(model, "direct")
    found = [one.text for one in backend.predictor.generate(deployment, inputs)]
    backend.deployer.undeploy(deployment)
    return found
