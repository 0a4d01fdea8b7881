"""A dated catalogue: what the service listed on that day, and no more."""

from __future__ import annotations

from datetime import date

import pytest
from catalogue_questions import TUNABLE, Make, functions_of, ids, spec_of, stages_of

from tunesmith_emulator.catalogue.service import Catalogue
from tunesmith_emulator.envelope import ServiceError

GRANITE_13B, FLAN, LLAMA = (
    "ibm/granite-13b-instruct-v2",
    "google/flan-t5-xl",
    "meta-llama/llama-2-13b-chat",
)


def refusal(catalogue: Catalogue, model_id: str) -> str:
    with pytest.raises(ServiceError) as refused:
        catalogue.find(model_id)
    assert (refused.value.status, refused.value.code) == (404, "model_not_supported")
    return refused.value.message


def test_the_day_before_its_start_a_model_does_not_exist(make: Make) -> None:
    before = make("2023-11-30")
    assert GRANITE_13B not in ids(before)
    assert "available from 2023-12-01" in refusal(before, GRANITE_13B)


def test_on_its_first_day_it_is_available_and_tunable(make: Make) -> None:
    first = make("2023-12-01")
    assert stages_of(first, GRANITE_13B) == {"available": "2023-12-01"}
    assert GRANITE_13B in ids(first, TUNABLE)


def test_the_day_before_its_deprecation_nothing_is_announced(make: Make) -> None:
    before = make("2025-06-17")
    assert stages_of(before, GRANITE_13B) == {"available": "2023-12-01"}
    assert before.find(GRANITE_13B).warnings == []


def test_from_its_deprecation_on_the_withdrawal_is_announced(make: Make) -> None:
    first = make("2025-06-18")
    assert spec_of(first, GRANITE_13B)["lifecycle"] == [
        {"id": "available", "start_date": "2023-12-01"},
        {
            "id": "deprecated",
            "start_date": "2025-06-18",
            "alternative_model_ids": ["ibm/granite-3-3-8b-instruct"],
        },
        {
            "id": "withdrawn",
            "start_date": "2025-10-15",
            "alternative_model_ids": ["ibm/granite-3-3-8b-instruct"],
        },
    ]
    assert GRANITE_13B in ids(first, "lifecycle_deprecated") & ids(first, TUNABLE)
    (warning,) = first.find(GRANITE_13B).warnings
    assert warning["id"] == "deprecation_warning"
    assert "deprecated state from 2025-06-18" in warning["message"]
    assert "withdrawn state from 2025-10-15" in warning["message"]
    assert "granite-3-3-8b-instruct" in warning["message"]


def test_the_day_before_its_withdrawal_it_still_works(make: Make) -> None:
    last = make("2025-10-14")
    assert GRANITE_13B in ids(last, TUNABLE)
    assert last.find(GRANITE_13B).tunable


def test_from_its_withdrawal_on_it_can_be_neither_tuned_nor_asked(make: Make) -> None:
    gone = make("2025-10-15")
    assert GRANITE_13B not in ids(gone, "!lifecycle_withdrawn")
    assert GRANITE_13B in ids(gone, "lifecycle_withdrawn")
    assert functions_of(gone, GRANITE_13B) == set()
    message = refusal(gone, GRANITE_13B)
    assert "withdrawn on 2025-10-15" in message
    assert "Alternatives: ibm/granite-3-3-8b-instruct" in message


def test_the_cloud_ended_prompt_tuning_with_its_last_tunable_models(make: Make) -> None:
    assert ids(make("2025-10-14"), TUNABLE) == {GRANITE_13B, FLAN, LLAMA}
    for day in ("2025-10-15", "2026-11-21"):
        after = make(day)
        assert ids(after, TUNABLE) == set()
        assert ids(after, "function_prompt_tune_trainable") == set()
        assert "ibm/granite-4-h-small" in ids(after, "!lifecycle_withdrawn")


def test_an_inferred_date_is_not_announced(make: Make) -> None:
    day_before, day_of = make("2025-10-14"), make("2025-10-15")
    assert stages_of(day_before, LLAMA) == {"available": "2023-11-09", "deprecated": "2024-08-26"}
    assert LLAMA in ids(day_of, "lifecycle_withdrawn")
    (warning,) = day_before.find(LLAMA).warnings
    assert "withdrawn" not in warning["message"]


def test_additions_of_ours_are_not_in_a_dated_catalogue(make: Make) -> None:
    dated = make("2025-01-15")
    assert "tunesmith/micro-granite" not in ids(dated)
    assert "2025-01-15" in refusal(dated, "tunesmith/micro-granite")
    article = spec_of(dated, "ibm/granite-3-8b-instruct")
    assert functions_of(dated, "ibm/granite-3-8b-instruct") == {"text_chat", "text_generation"}
    assert not article["tunesmith"]["addition"]
    assert "addition" not in article["long_description"]
    assert not dated.find("ibm/granite-3-8b-instruct").tunable


def test_the_day_can_be_changed_while_it_runs(make: Make) -> None:
    catalogue = make()
    assert catalogue.find(GRANITE_13B).tunable
    catalogue.as_of = date(2025, 10, 15)
    assert "withdrawn" in refusal(catalogue, GRANITE_13B)
    catalogue.as_of = date(2025, 10, 14)
    assert catalogue.find(GRANITE_13B).tunable
    catalogue.as_of = None
    assert catalogue.find(GRANITE_13B).warnings == []


def test_the_answering_model_of_a_tuned_model_does_not_depend_on_the_day(make: Make) -> None:
    assert make("2026-01-01").served_by(GRANITE_13B) == make().served_by(GRANITE_13B)


def test_before_everything_the_catalogue_is_empty(make: Make) -> None:
    assert make("2020-01-01").specs() == []
