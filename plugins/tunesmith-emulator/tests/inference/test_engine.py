"""The engine: one backend for many threads, and concurrent answers equal to lonely ones."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tunesmith.errors import ClosedError, NotFoundError, PredictionError, UnsupportedError
from tunesmith.experiment import Experiment
from tunesmith.records import Row
from tunesmith.spec import GenerationParams
from tunesmith.targets import target_key
from tunesmith_emulator.engine import Engine

MICRO = "tunesmith/micro-granite"
TEXTS = [f"Review {i}: the groomer was {'gentle' if i % 2 else 'rude'} " * (1 + i % 5) + "Good?"
         for i in range(24)]  # fmt: skip
PARAMETERS = [
    GenerationParams(),
    GenerationParams(max_new_tokens=7, repetition_penalty=1.5),
    GenerationParams(decoding_method="sample", temperature=1.3, random_seed=11, top_k=40),
    GenerationParams(return_options={"generated_tokens": True}, stop_sequences=("the",)),
]


def test_concurrent_answers_equal_lonely_ones(local: Any) -> None:
    predictor, deployment = local.engine.backend.predictor, local.deployment
    asked = [(target, text, params) for text in TEXTS for params in PARAMETERS
             for target in (MICRO, deployment)]  # fmt: skip
    alone = [predictor.generate(target, [text], params)[0] for target, text, params in asked]
    before = local.engine.statistics
    with ThreadPoolExecutor(len(asked)) as pool:
        together = list(pool.map(lambda one: local.engine.generate(*one), asked))
    assert together == alone
    after = local.engine.statistics
    assert after.rows - before.rows == len(asked)
    assert after.batches - before.batches < len(asked) / 2
    assert after.largest > 1


def distinct_targets(
    engine: Engine, targets: list[Any], monkeypatch: pytest.MonkeyPatch
) -> list[int]:
    """Ask for every text of every target at once, check it, and count the targets of each call."""
    predictor, params, calls = engine.backend.predictor, GenerationParams(), []
    asked = [(target, text, params) for text in TEXTS for target in targets]
    alone = [predictor.generate(target, [text], params)[0] for target, text, _ in asked]
    real = predictor.generate_each

    def generate_each(which: Any, texts: Any, params: Any) -> Any:
        calls.append(len({target_key(target) for target in which}))
        return real(which, texts, params)

    monkeypatch.setattr(type(predictor), "generate_each", staticmethod(generate_each))
    with ThreadPoolExecutor(len(asked)) as pool:
        assert list(pool.map(lambda one: engine.generate(*one), asked)) == alone
    return calls


def test_deployments_of_one_base_model_share_calls(
    local: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner, deployer = local.engine.backend.tuner, local.engine.backend.deployer
    method = {**local.deployment.model.method, "num_virtual_tokens": 4, "verbalizer": "{{input}}"}
    values = {
        "base_model": MICRO,
        "labels": ["0", "1"],
        "data": {"train": "t.json"},
        "method": method,
    }
    rows = [Row(input=text, output=str(i % 2)) for i, text in enumerate(TEXTS)]
    other = deployer.deploy(tuner.tune(Experiment.model_validate(values), rows), "other")
    counts = distinct_targets(local.engine, [local.deployment, other, MICRO], monkeypatch)
    assert max(counts) == 3
    deployer.undeploy(other)


def test_a_backend_that_reads_one_target_at_a_time_gets_one(
    sklearn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployer = sklearn.engine.backend.deployer
    other = deployer.deploy(sklearn.deployment.model, "other")
    assert set(distinct_targets(sklearn.engine, [sklearn.deployment, other], monkeypatch)) == {1}
    deployer.undeploy(other)


def test_a_wrong_row_does_not_affect_the_others(local: Any) -> None:
    texts = [*TEXTS[:6], "", *TEXTS[6:12]]

    def ask(text: str) -> str | Exception:
        try:
            return local.engine.generate(MICRO, text, PARAMETERS[0]).text
        except PredictionError as error:
            return error

    with ThreadPoolExecutor(len(texts)) as pool:
        answers = list(pool.map(ask, texts))
    assert [i for i, answer in enumerate(answers) if isinstance(answer, Exception)] == [6]
    assert "empty" in str(answers[6])


def test_rows_with_a_time_limit_go_one_by_one(local: Any) -> None:
    params = GenerationParams(time_limit=60_000, max_new_tokens=2)
    before = local.engine.statistics
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: local.engine.generate(MICRO, text, params), TEXTS[:8]))
    after = local.engine.statistics
    assert after.batches - before.batches == after.rows - before.rows == 8


def test_streams_and_batches_do_not_disturb_each_other(local: Any) -> None:
    params = GenerationParams(max_new_tokens=15)
    alone = [local.engine.generate(MICRO, text, params).text for text in TEXTS[:6]]

    def streamed(text: str) -> str:
        return "".join(piece.text for piece in local.engine.stream(MICRO, text, params))

    with ThreadPoolExecutor(12) as pool:
        streams = pool.map(streamed, TEXTS[:6])
        wholes = pool.map(lambda text: local.engine.generate(MICRO, text, params).text, TEXTS[:6])
        assert list(streams) == list(wholes) == alone


def test_the_tuning_method_is_prompt_tuning_or_a_stand_in(local: Any, sklearn: Any) -> None:
    assert local.engine.tuning_method(MICRO) == "prompt_tuning"
    assert sklearn.engine.tuning_method("any/name") == "tfidf_logreg"


def test_tokens_are_counted_if_the_backend_can(local: Any, sklearn: Any) -> None:
    assert local.engine.tokenize(MICRO, "Is it good?")[0] == "Is"
    with pytest.raises(UnsupportedError):
        sklearn.engine.tokenize("any/name", "Is it good?")


def test_an_unknown_base_model_is_an_error_every_time(settings: Any, tmp_path: Path) -> None:
    engine = Engine(settings(backend="local", backend_options={"offline": True}), tmp_path)
    for _ in range(2):
        with pytest.raises(NotFoundError):
            engine.capabilities("no/such-model")
    engine.close()


def test_the_backend_gets_its_store_and_its_options(settings: Any, tmp_path: Path) -> None:
    engine = Engine(settings(backend="sklearn"), tmp_path / "store")
    assert engine.backend.options.store == tmp_path / "store" / "sklearn"
    given = Engine(settings(backend="sklearn", backend_options={"store": tmp_path / "b"}), tmp_path)
    assert given.backend.options.store == tmp_path / "b"


def test_threads_share_one_backend(settings: Any, tmp_path: Path) -> None:
    engine = Engine(settings(backend="sklearn"), tmp_path)
    with ThreadPoolExecutor(8) as pool:
        assert len({id(backend) for backend in pool.map(lambda _: engine.backend, range(64))}) == 1


def test_a_closed_engine_answers_no_more(settings: Any, tmp_path: Path) -> None:
    engine = Engine(settings(backend="local"), tmp_path)
    assert engine.generate(MICRO, "Good?", GenerationParams()).text
    engine.close()
    with pytest.raises(ClosedError, match="shutting down"):
        engine.generate(MICRO, "Good?", GenerationParams())


def test_an_engine_loads_nothing_before_it_is_used(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from tunesmith_emulator.engine import Engine\n"
        "from tunesmith_emulator.settings import Settings\n"
        "import tunesmith_emulator.inference.service\n"
        "folder = Path(sys.argv[1])\n"
        "Engine(Settings(data_dir=folder), folder).close()\n"
        "print(sorted({'torch', 'transformers', 'sklearn'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
