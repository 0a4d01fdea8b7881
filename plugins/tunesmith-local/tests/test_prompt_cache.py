"""Prompts are read once, kept under a bound, and change no answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from local_models import build

from tunesmith.backend import Target
from tunesmith.errors import NotFoundError
from tunesmith.experiment import Experiment
from tunesmith.records import Deployment, Generation, Row
from tunesmith.spec import GenerationParams
from tunesmith_local.backend import LocalBackend
from tunesmith_local.engine.prefix import PromptState, read_state
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.options import LocalOptions

Connect = Callable[..., LocalBackend]
GRANITE, MAMBA, T5 = "tiny/granite", "tiny/hybrid-mamba", "tiny/t5"
TEXTS = ["good dog", "", "a much longer text about a dog", "x"]
PARAMS = GenerationParams(max_new_tokens=6)
LABELS = ["yes", "no", "yes, but"]
TWO_PROMPTS_MB = 2 * (3 * 2 * 2 * 8 * 4 * 9) / 2**20
"""Three layers, keys and values, two heads of eight, float32: two prompts of nine tokens."""


@pytest.fixture(scope="session")
def cache_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny base models on disk."""
    folder = tmp_path_factory.mktemp("models")
    for name in (GRANITE, MAMBA, T5):
        base = build(name.removeprefix("tiny/"))
        base.model.save_pretrained(folder / name)
        base.tokenizer.save_pretrained(folder / name)
    return folder


@pytest.fixture
def connect(cache_models: Path, tmp_path: Path) -> Iterator[Connect]:
    """Return a function that opens the backend on one store."""
    opened: list[LocalBackend] = []

    def open_backend(**options: object) -> LocalBackend:
        given = {"store": tmp_path, "models": cache_models, "device": "cpu", "offline": True}
        opened.append(LocalBackend(LocalOptions.model_validate(given | options)))
        return opened[-1]

    yield open_backend
    for backend in opened:
        backend.close()


def deployed(backend: LocalBackend, name: str, tokens: int = 5, model: str = GRANITE) -> Deployment:
    """Deploy a soft prompt of ``tokens`` virtual tokens that ``name`` decides."""
    method = {
        "name": "prompt_tuning",
        "num_virtual_tokens": tokens,
        "num_epochs": 1,
        "learning_rate": 0.5,
        "init_method": "text",
        "init_text": name,
        "verbalizer": f"{name} {{{{input}}}} =",
        "max_output_tokens": 10,
    }
    values = {"base_model": model, "labels": LABELS, "data": {"train": "t.jsonl"}, "method": method}
    rows = [Row(input=name, output="yes"), Row(input="other", output="no")]
    tuned = backend.tuner.tune(Experiment.from_values(values), rows)
    return backend.deployer.deploy(tuned, name)


def alone(backend: LocalBackend, target: Target, text: str) -> Generation:
    """The result of one input alone."""
    return backend.predictor.generate(target, [text], PARAMS)[0]


def state_of(tokens: int) -> PromptState:
    """The state of a prompt of ``tokens`` tokens."""
    base = build("granite")
    return read_state(base, torch.zeros(tokens, base.hidden_size))


def test_the_least_recently_used_prompt_goes_first() -> None:
    states = {name: state_of(4) for name in "abc"}
    caches = StateCache(2 * states["a"].nbytes)
    for name in "abab":
        caches.get(name, lambda name=name: states[name])
    caches.get("a", pytest.fail)
    caches.get("c", lambda: states["c"])
    assert list(caches.sizes()) == ["a", "c"]
    caches.forget("a")
    caches.forget("nothing")
    assert list(caches.sizes()) == ["c"]
    caches.clear()
    assert caches.sizes() == {}


def test_a_prompt_over_the_bound_is_read_each_time_and_evicts_no_other() -> None:
    small, large = state_of(2), state_of(50)
    caches = StateCache(small.nbytes)
    caches.get("small", lambda: small)
    assert caches.get("large", lambda: large) is large
    assert list(caches.sizes()) == ["small"]


def test_a_prompt_is_read_once_by_many_threads() -> None:
    state, read = state_of(3), []
    caches = StateCache(state.nbytes)

    def once() -> PromptState:
        read.append(1)
        return state

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: caches.get("a", once), range(64))) == {state}
    assert read == [1]


def test_bytes_are_those_of_the_tensors(connect: Connect) -> None:
    backend = connect()
    one, two = deployed(backend, "one", 5), deployed(backend, "three", 11)
    each = 3 * 2 * 2 * 8 * 4  # layers, keys and values, heads, width, float32
    # The template's "one " and "three " are read with the prompt.
    assert one.details == {"prompt_cache": "kept", "prompt_cache_bytes": 9 * each}
    assert backend.prompt_caches.sizes() == {one.model.id: 9 * each, two.model.id: 17 * each}
    assert backend.deployer.get(one.id) == one


def test_a_recurrent_state_does_not_grow_with_the_prompt(connect: Connect) -> None:
    backend = connect()
    short, long = deployed(backend, "s", 5, MAMBA), deployed(backend, "l", 10, MAMBA)
    grown = long.details["prompt_cache_bytes"] - short.details["prompt_cache_bytes"]
    assert grown == 5 * 1 * 2 * 2 * 8 * 4  # the one layer of attention
    assert short.details["prompt_cache_bytes"] > 5 * 1 * 2 * 2 * 8 * 4


def test_a_deployment_has_a_note_if_no_state_is_exact(connect: Connect) -> None:
    backend = connect()
    deployment = deployed(backend, "t", model=T5)
    assert deployment.details["prompt_cache"].startswith("none")
    assert backend.prompt_caches.sizes() == {}


@pytest.mark.parametrize("model", [GRANITE, MAMBA, T5])
@pytest.mark.parametrize("bound", [512, TWO_PROMPTS_MB, 0])
def test_no_bound_changes_an_answer(connect: Connect, model: str, bound: float) -> None:
    plain = connect(prompt_cache_mb=0)
    targets: list[Target] = [deployed(plain, n, len(n), model) for n in ("ab", "abc", "nine long")]
    pairs = [(target, text) for text in TEXTS for target in targets]
    pairs += [(model, text) for text in TEXTS if text]
    expected = [alone(plain, target, text) for target, text in pairs]
    assert plain.prompt_caches.sizes() == {}
    bounded = connect(prompt_cache_mb=bound)
    for seed in range(3):
        order = random.Random(seed).sample(range(len(pairs)), len(pairs))
        targets_, texts = zip(*(pairs[i] for i in order), strict=True)
        mixed = bounded.predictor.generate_each(targets_, texts, PARAMS)
        assert mixed == [expected[i] for i in order]
        assert sum(bounded.prompt_caches.sizes().values()) <= bound * 2**20


def test_rows_of_several_base_models_and_deployments_in_one_call(connect: Connect) -> None:
    backend = connect()
    targets = [deployed(backend, "a"), deployed(backend, "b", 7, MAMBA), MAMBA, GRANITE] * 2
    texts = [f"text {i} " * (i + 1) for i in range(8)]
    expected = [alone(backend, *pair) for pair in zip(targets, texts, strict=True)]
    assert backend.predictor.generate_each(targets, texts, PARAMS) == expected
    assert backend.predictor.generate_each([], []) == []
    with pytest.raises(ValueError, match=r"shorter|longer"):
        backend.predictor.generate_each(targets, texts[:3])


def test_the_prompt_of_a_model_goes_with_its_last_deployment(connect: Connect) -> None:
    backend = connect()
    first = deployed(backend, "a")
    second = backend.deployer.deploy(first.model, "again")
    expected = alone(backend, second, "x")
    backend.deployer.undeploy(first)
    assert list(backend.prompt_caches.sizes()) == [first.model.id]
    with pytest.raises(NotFoundError):
        backend.predictor.generate(first, ["x"])
    backend.deployer.undeploy(second)
    assert backend.prompt_caches.sizes() == {}
    third = backend.deployer.deploy(first.model, "a third time")
    assert alone(backend, third, "x") == expected
    backend.close()
    assert backend.prompt_caches.sizes() == {}


def test_prompts_come_and_go_while_others_are_served(connect: Connect) -> None:
    backend = connect(prompt_cache_mb=TWO_PROMPTS_MB)
    stay = [deployed(backend, name, len(name)) for name in ("ab", "abcd", "nine long")]
    pairs = [(target, text) for target in stay for text in TEXTS]
    expected = [alone(backend, *pair) for pair in pairs]
    targets, texts = zip(*pairs, strict=True)

    guests = [deployed(backend, f"guest {i}") for i in range(4)]
    answers = [alone(backend, guest, "x") for guest in guests]

    def leave_and_come_back(index: int) -> Generation:
        backend.deployer.undeploy(guests[index])
        again = backend.deployer.deploy(guests[index].model, f"back {index}")
        return alone(backend, again, "x")

    def serve() -> list[Generation]:
        return backend.predictor.generate_each(targets, texts, PARAMS)

    with ThreadPoolExecutor(4) as pool:
        served = [pool.submit(serve) for _ in range(6)]
        back = list(pool.map(leave_and_come_back, range(4)))
        assert [one.result() for one in served] == [expected] * 6
    assert back == answers


@pytest.mark.parametrize("model", [GRANITE, MAMBA, T5])
def test_streams_and_label_scores_are_those_of_the_uncached(connect: Connect, model: str) -> None:
    plain, cached = connect(prompt_cache_mb=0), connect()
    deployment = deployed(plain, "a longer one", 9, model)
    for _ in range(2):  # the second time from the cache
        pieces = list(cached.predictor.stream(deployment, "good", PARAMS))
        assert "".join(p.text for p in pieces) == alone(plain, deployment, "good").text
        for backend in (plain, cached):
            scores = backend.predictor.classify(deployment, ["good", "a longer text"], LABELS)
            (single,) = backend.predictor.classify(deployment, ["good"], LABELS)
            assert scores[0].probabilities == pytest.approx(single.probabilities, abs=1e-5)
            assert list(single.probabilities) == LABELS
    assert cached.predictor.classify(deployment, [], LABELS) == []
