"""The server as a browser, and as an attacker, meets it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tunesmith.errors import ExperimentError
from tunesmith.run import Run
from tunesmith.runs.comparing import compare_runs
from tunesmith.ui import server as served
from tunesmith.ui.folder import RunsFolder
from tunesmith.ui.server import Server

RunOf = Callable[..., Run]
Ask = Callable[..., Any]


def comparison_of(*runs: Run, **more: str) -> str:
    return "/compare?" + urlencode([*(("run", r.directory.name) for r in runs), *more.items()])


def test_the_table_lists_the_runs_and_links_their_reports(ask: Ask, run_of: RunOf) -> None:
    run = run_of()
    page = ask("/")
    assert page.status == 200
    link = f"/runs/{run.directory.name}/report.html"
    assert f'href="{link}"' in page.text
    assert ask(link).text == (run.directory / "report.html").read_text()


def test_a_comparison_has_the_sentence_of_the_command(ask: Ask, run_of: RunOf) -> None:
    one, other = run_of(), run_of(method={"name": "zero_shot"})
    (found,) = compare_runs([one, other]).comparisons
    page = ask(comparison_of(one, other))
    assert page.status == 200
    assert found.line.replace("p = ", "p\xa0=\xa0").replace("p < ", "p\xa0<\xa0") in (
        page.text.replace("&#39;", "'").replace("&lt;", "<")
    )
    assert f"tunesmith compare {one.directory} {other.directory}" in page.text
    assert "method.num_epochs" in page.text  # a setting that only one of them has
    assert re.findall(r"Row (\d+)", page.text) == [
        str(d.row) for d in sorted(found.disagreements, key=lambda d: d.first_is_right)
    ]


def test_one_run_is_compared_with_its_base_model(ask: Ask, run_of: RunOf) -> None:
    page = ask(comparison_of(run_of()))
    assert page.status == 200
    assert "the base model" in page.text


def test_seeds_are_taken_together(ask: Ask, run_of: RunOf) -> None:
    tuned = [run_of(seed=seed) for seed in (0, 1)]
    prompted = [run_of(seed=seed, method={"name": "zero_shot"}) for seed in (0, 1)]
    assert "(2 seeds, 20 rows)" in ask(comparison_of(*tuned, *prompted)).text


def test_the_reading_of_answers_can_be_chosen(ask: Ask, run_of: RunOf) -> None:
    one, other = run_of(), run_of(seed=1)
    assert "An answer is the most probable label." in ask(comparison_of(one, other)).text
    text = ask(comparison_of(one, other, answer="text")).text
    assert "An answer is what the model wrote" in text
    assert ask(comparison_of(one, answer="aloud")).status == 400


def test_runs_that_cannot_be_compared_get_the_reason(
    ask: Ask, run_of: RunOf, values: dict[str, Any]
) -> None:
    one = run_of()
    swapped = {"train": values["data"]["test"], "test": values["data"]["train"]}
    page = ask(comparison_of(one, run_of(data=swapped)))
    assert page.status == 409
    assert "The test rows differ" in page.text
    assert "run both on the same test file." in page.text


def test_a_run_without_base_model_is_refused_alone(ask: Ask, run_of: RunOf) -> None:
    page = ask(comparison_of(run_of(method={"name": "zero_shot"})))
    assert page.status == 409
    assert "no tuned model" in page.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/compare", 400),
        ("/compare?run=no-such-run", 404),
        ("/nothing", 404),
        ("/runs/no-such-run/report.html", 404),
        ("/runs/../../etc/passwd", 404),
        (f"/runs/{quote('../..', safe='')}/report.html", 404),
        ("/runs//etc/passwd/report.html", 404),
        ("//evil.example/", 404),
    ],
)
def test_there_is_nothing_else(ask: Ask, run_of: RunOf, path: str, status: int) -> None:
    run_of()
    assert ask(path).status == status


def test_only_the_report_of_a_run_is_served(ask: Ask, run_of: RunOf) -> None:
    name = run_of().directory.name
    assert ask(f"/runs/{name}/report.html").status == 200
    for file in ("run.json", "predictions.jsonl", ".lock", ""):
        assert ask(f"/runs/{name}/{file}").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_it_is_read_only(ask: Ask, method: str) -> None:
    answer = ask("/", method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_head_is_get_without_the_body(ask: Ask, run_of: RunOf) -> None:
    path = f"/runs/{run_of().directory.name}/report.html"
    head, got = ask(path, "HEAD"), ask(path)
    assert (head.status, head.text) == (200, "")
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_host_name_is_refused(ask: Ask, run_of: RunOf, host: str) -> None:
    name = run_of().directory.name
    for path in ("/", f"/runs/{name}/report.html", "/compare?run=x"):
        answer = ask(path, Host=host)
        assert answer.status == 421
        assert name not in answer.text


@pytest.mark.parametrize("host", ["localhost:9999", "127.0.0.1"])
def test_a_forwarded_port_works(ask: Ask, host: str) -> None:
    assert ask("/", Host=host).status == 200


def test_the_policy_of_a_page_allows_its_own_script_alone(ask: Ask, run_of: RunOf) -> None:
    run = run_of()
    page = ask("/")
    (nonce,) = re.findall(r'<script nonce="(.*)">', page.text)
    policy = page.headers["Content-Security-Policy"]
    assert f"script-src 'nonce-{nonce}';" in policy
    assert "default-src 'none'" in policy
    assert nonce != re.findall(r'<script nonce="(.*)">', ask("/").text)[0]
    for answer in (page, ask(f"/runs/{run.directory.name}/report.html"), ask("/nothing")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_texts_of_data_are_escaped(ask: Ask, run_of: RunOf) -> None:
    script = "<script>alert(1)</script>"
    run, other = run_of(name=script), run_of(method={"name": "zero_shot"})
    answers = [
        p.model_copy(update={"input": f"{script} {p.row}", "text": script, "label": None})
        for p in other.predictions()
    ]
    other.write_predictions([a.model_copy(update={"answer": "text"}) for a in answers])
    run.write_predictions([
        p.model_copy(update={"input": f"{script} {p.row}"}) for p in run.predictions()
    ])  # fmt: skip
    for page in (ask("/"), ask(comparison_of(run, other, answer="text"))):
        assert page.status == 200
        assert script not in page.text
        assert "&lt;script&gt;alert(1)" in page.text


def test_a_bug_is_answered_and_shown_in_the_terminal(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(served, "table_page", lambda runs, nonce: 1 / 0)
    answer = ask("/")
    assert answer.status == 500
    assert "This is a bug; the terminal shows where." in answer.text
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_report_that_cannot_be_read_gets_the_remedy(ask: Ask, run_of: RunOf) -> None:
    run = run_of()
    (run.directory / "predictions.jsonl").write_text("{}\n")
    answer = ask(comparison_of(run))
    assert answer.status == 409
    assert "predictions.jsonl, line 1" in answer.text


def test_a_port_that_is_taken_is_an_error_with_a_remedy(folder: Path) -> None:
    with Server(RunsFolder(folder), 0) as server:
        port = server.server_port
        with pytest.raises(ExperimentError, match=f"cannot listen on 127.0.0.1:{port} .*--port"):
            Server(RunsFolder(folder), port)


def test_an_empty_folder_has_the_next_step(ask: Ask, folder: Path) -> None:
    page = ask("/")
    assert page.status == 200
    assert f"tunesmith run experiment.yaml --runs-dir {folder}" in page.text
