"""Label scores of an untuned model: through the SDK and the emulator, and what cannot be scored."""

from __future__ import annotations

import math

import pytest
import torch

from tunesmith import connect as connect_backend
from tunesmith.errors import ExperimentError, PredictionError, QuotaError, UnsupportedError
from tunesmith.records import TokenInfo
from tunesmith.spec import TuningSpec
from tunesmith_emulator import Emulator
from tunesmith_watsonx.backend import WatsonxBackend
from tunesmith_watsonx.label_scores import read_scores, texts_of

MODEL = "ibm/granite-13b-instruct-v2"
MICRO = "tunesmith/micro-granite"
GENERATION = "POST /ml/v1/text/generation"
LABELS = ["good", "bad", "not so bad"]
PROMPTS = [
    "Review: the groomer was gentle and quick.\nVerdict:",
    "Review: they were late and the dog was hurt.\nVerdict: ",
    "Review: rude, dirty, never again.\nVerdict:\n",
]


@pytest.fixture(scope="module")
def _over_local():
    with Emulator(backend="local") as emulator:
        yield emulator


@pytest.fixture
def over_local(_over_local):
    """An emulator over the embedded model, empty at the start of every test."""
    yield _over_local
    _over_local.reset()


@pytest.fixture
def local_scores(over_local, options_for):
    """A backend at that emulator."""
    with WatsonxBackend(options_for(over_local)) as backend:
        yield backend


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The embedded model itself."""
    with connect_backend("local", store=tmp_path_factory.mktemp("store")) as backend:
        yield backend._catalog.load(MICRO)


def plain_scores(base, prompt, labels):
    """Sum the log-probabilities of each label's tokens behind ``prompt``, by plain transformers."""
    scores = {}
    whole = [base.tokenizer(text)["input_ids"] for text in texts_of(prompt, labels)]
    start = 0
    while all(len(ids) > start and ids[start] == whole[0][start] for ids in whole):
        start += 1
    for label, ids in zip(labels, whole[1:], strict=True):
        with torch.no_grad():
            logits = base.model(input_ids=torch.tensor([ids])).logits[0]
        shares = logits.log_softmax(-1)
        scores[label] = sum(float(shares[i - 1, ids[i]]) for i in range(start, len(ids)))
    return scores


def spec_of(labels, **generation):
    values = {"base_model": MODEL, "labels": labels, "method": "zero_shot"}
    return TuningSpec.from_values({**values, "generation": generation})


def test_they_are_those_of_a_plain_forward_pass(local_scores, base):
    found = local_scores.predictor.classify(MODEL, PROMPTS, iter(LABELS))
    for prompt, one in zip(PROMPTS, found, strict=True):
        scores = plain_scores(base, prompt, LABELS)
        total = sum(math.exp(score) for score in scores.values())
        expected = {label: math.exp(score) / total for label, score in scores.items()}
        assert list(one.probabilities) == LABELS
        assert one.probabilities == pytest.approx(expected, abs=1e-4)
        assert one.mass == pytest.approx(total, abs=1e-4)


def test_a_label_is_scored_in_the_form_that_continues_the_prompt(local_scores):
    tokens = local_scores.predictor.label_tokens(MODEL, PROMPTS[:1], ["good", "bad"])
    assert tokens["good"].tokens[0].startswith("Ġ")  # behind a word: with its space
    behind_a_break = local_scores.predictor.label_tokens(MODEL, PROMPTS[2:], ["good", "bad"])
    assert not behind_a_break["good"].tokens[0].startswith("Ġ")


def test_the_mass_of_a_label_is_the_mean_over_the_prompts(local_scores, base):
    tokens = local_scores.predictor.label_tokens(MODEL, PROMPTS, LABELS)
    for label in LABELS:
        shares = [math.exp(plain_scores(base, prompt, LABELS)[label]) for prompt in PROMPTS]
        assert tokens[label].mass == pytest.approx(sum(shares) / len(shares), abs=1e-4)


def test_a_row_costs_a_request_for_each_label_and_one_more(over_local, local_scores):
    local_scores.predictor.classify(MODEL, PROMPTS[:2], LABELS)
    asked = [seen for seen in over_local.requests if seen["route"] == GENERATION]
    assert len(asked) == 2 * (len(LABELS) + 1)


def test_a_storm_of_refusals_changes_no_score(over_local, local_scores):
    expected = local_scores.predictor.classify(MODEL, PROMPTS, LABELS)
    over_local.fail(GENERATION, status=429, times=3, retry_after=0)
    assert local_scores.predictor.classify(MODEL, PROMPTS, LABELS) == expected


def test_a_limit_that_does_not_end_is_a_quota_error(over_local, options_for):
    over_local.fail(GENERATION, status=429, times=None)
    impatient = WatsonxBackend(options_for(over_local, patience_seconds=0.1))
    with impatient as backend, pytest.raises(QuotaError, match=r"did not end within 0\.1 s"):
        backend.predictor.classify(MODEL, PROMPTS, LABELS)


def test_a_label_that_begins_another_is_refused_before_other_rows_are_asked(
    over_local, local_scores
):
    labels = ["good", "good and kind"]
    with pytest.raises(UnsupportedError, match=r"'good' begins 'good and kind'.*answer: text"):
        local_scores.predictor.classify(MODEL, PROMPTS, labels)
    asked = [seen for seen in over_local.requests if seen["route"] == GENERATION]
    assert len(asked) == len(labels) + 1
    check = local_scores.predictor.check_answers
    with pytest.raises(UnsupportedError, match="'good' begins 'good and kind'"):
        check(spec_of(labels), PROMPTS, "decision")
    check(spec_of(labels), PROMPTS, "text")


def test_labels_that_fit_pass_the_check_without_any_generation(over_local, local_scores):
    check = local_scores.predictor.check_answers
    check(spec_of(LABELS, max_new_tokens=3), PROMPTS, "text")
    check(spec_of(LABELS, max_new_tokens=2), PROMPTS, "decision")
    with pytest.raises(ExperimentError, match=r"'not so bad' has 3 tokens.*max_new_tokens is 2"):
        check(spec_of(LABELS, max_new_tokens=2), PROMPTS, "text")
    assert not [seen for seen in over_local.requests if seen["route"] == GENERATION]


TOKENIZATION = "POST /ml/v1/text/tokenization"


@pytest.mark.parametrize(
    ("answer", "generation", "remedy"),
    [
        ("text", {}, {"truncate_input_tokens": 1004}),
        ("text", {"max_new_tokens": 400}, {"max_new_tokens": 324}),
        ("decision", {}, {}),
    ],
)
def test_a_prompt_that_the_service_would_refuse_is_refused_before_a_run(
    over_local, local_scores, answer, generation, remedy
):
    tokens = 700 if generation else 1100
    prompts = [PROMPTS[0], " good" * tokens]
    check = local_scores.predictor.check_answers
    with pytest.raises(
        ExperimentError, match=r"1 of 2 prompts do not fit.* 1024 positions"
    ) as said:
        check(spec_of(LABELS, **generation), prompts, answer)
    for key, value in remedy.items():
        assert f"set generation.{key}={value}" in str(said.value)
        check(spec_of(LABELS, **{**generation, key: value}), prompts, answer)
    if answer == "decision":  # the service cuts no text whose tokens are scored
        assert "set answer=text and generation.truncate_input_tokens=1004" in str(said.value)
    assert not [seen for seen in over_local.requests if seen["route"] == GENERATION]


def test_prompts_that_surely_fit_cost_no_request(over_local, local_scores):
    local_scores.predictor.check_answers(spec_of(LABELS), PROMPTS[:1], "text")
    asked = len([seen for seen in over_local.requests if seen["route"] == TOKENIZATION])
    over_local.services.control.reset()
    local_scores.predictor._tokens.clear()
    local_scores.predictor.check_answers(spec_of(LABELS), [*PROMPTS[:1], *["x " * 300] * 9], "text")
    again = len([seen for seen in over_local.requests if seen["route"] == TOKENIZATION])
    assert again == asked == 1 + len(LABELS)


def test_a_dry_run_says_that_a_service_without_tokens_leaves_lengths_unchecked(backend, experiment):
    notes = experiment().plan(backend).notes
    said = "the prompts were not compared with the positions of the model"
    assert f"{said}: the service counts no tokens" in notes


def test_a_tuned_model_has_no_scores(local_scores, experiment):
    capabilities = local_scores.capabilities(MODEL)
    assert capabilities.base_label_scores
    assert not capabilities.label_scores


def test_over_a_backend_without_log_probabilities_there_are_none(backend):
    assert not backend.capabilities(MODEL).base_label_scores
    with pytest.raises(UnsupportedError, match="base_label_scores"):
        backend.predictor.classify(MODEL, ["a"], ["0", "1"])
    backend.predictor.check_answers(spec_of(["0", "1"]), ["a"], "text")


def test_without_a_tokenizer_a_label_is_checked_by_its_text_alone(backend, monkeypatch):
    monkeypatch.setattr(backend.predictor, "tokenize", None)  # a call would fail
    check = backend.predictor.check_answers
    check(spec_of(["0 0 0", "1"], max_new_tokens=1), [], "text")
    with pytest.raises(ExperimentError, match=r"generation\.stop_sequences: '0 0 0'.*'0 '"):
        check(spec_of(["0 0 0", "1"], stop_sequences=[" "]), [], "text")


def infos(*tokens):
    return [TokenInfo(text=text, logprob=logprob) for text, logprob in tokens]


def test_a_token_without_a_number_is_named():
    prompt = infos(("a", None), (":", -1.0))
    for bad, said in ((None, "none"), (math.nan, "nan")):
        texts = {"0": [*prompt, *infos((" 0", -1.0))], "1": [*prompt, *infos((" 1", bad))]}
        with pytest.raises(
            PredictionError, match=rf"input_tokens\[2\]\.logprob.*gave {said} .*' 1'.*'1'"
        ):
            read_scores(prompt, texts)


def test_a_service_that_gives_no_tokens_is_named():
    with pytest.raises(PredictionError, match=r"results\[0\]\.input_tokens: .*gave no tokens"):
        read_scores(infos((":", -1.0)), {"0": None})


def test_a_token_that_joins_prompt_and_label_is_scored_with_the_label():
    prompt = infos(("a", None), (" ", -3.0))
    texts = {
        "0": infos(("a", None), (" 0", -1.0)),  # the space became part of the label's token
        "1": infos(("a", None), (" ", -3.0), ("1", -2.0)),
    }
    scores = read_scores(prompt, texts)
    assert scores.log_probs == {"0": -1.0, "1": -5.0}
    assert scores.tokens == {"0": (" 0",), "1": (" ", "1")}


def test_a_prompting_run_is_decided_by_them(local_scores, experiment, tmp_path):
    method = {"name": "zero_shot", "template": "Review: {{input}}\nGood (1) or bad (0)?"}
    run = experiment(method=method).run(local_scores, runs_dir=tmp_path / "runs")
    answers = run.answers("base")
    assert answers
    assert {prediction.answer for prediction in answers} == {"decision"}
    for prediction in answers:
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert prediction.probabilities[prediction.label] == max(prediction.probabilities.values())
