"""``--answer``: the reading in which recorded answers are scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from tunesmith.run import Run

Invoke = Callable[..., Result]


def test_evaluate_reads_answers_as_recorded_by_default(run_dir: Path, invoke: Invoke) -> None:
    run = Run.load(run_dir)
    silent = [p.model_copy(update={"text": "hm", "said": None}) for p in run.answers("base")]
    run.write_predictions([*run.answers("tuned"), *silent])
    recorded = json.loads(invoke("evaluate", str(run_dir), "--json").stdout)
    assert recorded["base"]["unparsable"] == 0
    assert recorded == json.loads(
        invoke("evaluate", str(run_dir), "--answer", "decision", "--json").stdout
    )
    written = json.loads(invoke("evaluate", str(run_dir), "--answer", "text", "--json").stdout)
    assert (written["base"]["unparsable"], written["base"]["correct"]) == (4, 0)


def test_evaluate_refuses_a_reading_that_is_not_recorded(invoke: Invoke) -> None:
    old = Path(__file__).parents[1] / "run-0.1.0"
    done = invoke("evaluate", str(old), "--answer", "decision")
    assert done.exit_code == 2
    assert "do not have the reading 'decision'" in done.stderr


def test_the_summary_has_headline_judgment_and_diagnosis(run_dir: Path, invoke: Invoke) -> None:
    (summary,) = json.loads(invoke("runs", "--json").stdout)
    assert summary["headline"].startswith(summary["judgment"]["lead"])
    assert {o["name"] for o in summary["judgment"]["opponents"]} >= {"TF-IDF", "the untuned model"}
    assert isinstance(summary["diagnosis"], list)
    assert summary == Run.load(run_dir).summary()
