"""The service decides which models are tunable; the error for others has a remedy."""

from __future__ import annotations

from datetime import date

import pytest

from tunesmith.errors import ExperimentError, NotFoundError, UnsupportedError
from tunesmith.records import Row
from tunesmith.testing.rows import TRAIN
from tunesmith_emulator import Emulator
from tunesmith_watsonx.backend import WatsonxBackend

GONE, SERVED = "ibm/granite-13b-instruct-v2", "ibm/granite-4-h-small"


@pytest.fixture(scope="module")
def today():
    """A service of the days after prompt tuning."""
    with Emulator(backend="sklearn", as_of=date(2026, 10, 1)) as emulator:
        yield emulator


@pytest.fixture
def late(today, options_for):
    with WatsonxBackend(options_for(today)) as backend:
        yield backend


def test_a_withdrawn_model(late, experiment):
    with pytest.raises(NotFoundError) as caught:
        late.tuner.submit(experiment(base_model=GONE), TRAIN)
    told = str(caught.value)
    for part in (GONE, "2025-10-15", "alternatives", "emulator serve", "--backend local"):
        assert part in told
    assert "No base model can be prompt-tuned there any more" in told


def test_a_model_that_is_served_and_not_tunable(late, experiment):
    assert late.capabilities(SERVED).methods == ()
    for refuse in (late.tuner.check, late.tuner.submit):
        with pytest.raises(UnsupportedError, match="does not tune prompts for it") as caught:
            refuse(experiment(base_model=SERVED), TRAIN)
        assert "emulator serve" in str(caught.value)


def test_a_misspelt_model_gets_its_near_miss_and_the_tunable_ones(backend):
    with pytest.raises(NotFoundError, match="Did you mean") as caught:
        backend.base_model("ibm/granite-13b-instruct-v")
    assert "Tunable there now: " in str(caught.value)


def test_a_training_that_was_refused_leaves_no_rows(late, experiment, backend, emulator):
    emulator.fail("POST /ml/v4/trainings", status=400)
    with pytest.raises(Exception, match="starting the tuning"):
        backend.tuner.submit(experiment(), TRAIN)
    client = backend._connection.client
    with backend._connection.call("asking"):
        assert client.data_assets.get_details()["resources"] == []


def test_virtual_tokens_cannot_be_chosen(backend, experiment):
    method = {"name": "prompt_tuning", "num_virtual_tokens": 50}
    with pytest.raises(UnsupportedError, match=r"num_virtual_tokens.*100"):
        backend.tuner.submit(experiment(method=method), TRAIN)


def test_rows_of_other_labels_are_refused(backend, experiment):
    with pytest.raises(ExperimentError.__mro__[1], match="'2' is not one of the labels"):
        backend.tuner.submit(experiment(), [*TRAIN, Row(input="x", output="2")])
