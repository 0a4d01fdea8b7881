"""init and data: the first commands."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from tunesmith.capabilities import Capabilities
from tunesmith.cli.data import CATALOG, CatalogEntry, CatalogFile
from tunesmith.cli.init import STEADY, Asked, epochs_for, experiment_text
from tunesmith.dataset import DataSpec
from tunesmith.experiment import Experiment
from tunesmith.methods import AUTO_SETTINGS
from tunesmith.testing.fake import FAKE_MODEL

Invoke = Callable[..., Result]
CONTENT = {"train.json": b'[{"input": "a", "output": "0"}]', "test.json": b"[]"}


SEARCH = ("--backend", "fake")
CHOOSES = Asked(can=Capabilities(auto_settings=frozenset(AUTO_SETTINGS)))


@pytest.mark.parametrize("search", [("--no-search",), SEARCH], ids=["no search", "search"])
def test_written_experiment_runs(search: tuple[str, ...], invoke: Invoke) -> None:
    done = invoke("init", "train.json", "--test", "test.json", "-o", "new.yaml", *search)
    given = f" {' '.join(search)}" if search == SEARCH else ""
    last = done.stdout.splitlines()[-1]
    assert last == f"next: tunesmith run new.yaml --dry-run{given}"
    experiment = Experiment.from_file("new.yaml")
    assert experiment.labels.names == ("0", "1")
    assert experiment.data.test == "test.json"
    ran = invoke("run", "new.yaml", "--backend", "fake")
    assert ran.exit_code == 0, ran.stderr


def test_without_test_rows_the_next_step_names_them(invoke: Invoke) -> None:
    done = invoke("init", "train.json", "-o", "new.yaml", "--no-search")
    assert "a run needs test rows" in done.stdout
    experiment = Experiment.from_file("new.yaml")
    assert experiment.data.test is None
    assert "# test: test.json" in Path("new.yaml").read_text()


def test_paths_are_relative_to_the_file(invoke: Invoke) -> None:
    Path("deep").mkdir()
    invoke("init", "train.json", "--test", "test.json", "-o", "deep/new.yaml", "--no-search")
    assert 'train: "../train.json"' in Path("deep/new.yaml").read_text()
    assert (
        Path(str(Experiment.from_file("deep/new.yaml").data.train)).resolve()
        == Path("train.json").resolve()
    )


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (["10", "9"], ("9", "10")),
        (["no", "yes", "yes: sure"], ("no", "yes", "yes: sure")),
        (['say "hi"', "é{{x}}"], ('say "hi"', "é{{x}}")),
        (["a\u2028b\x85c\x7f\ufeff", "👍 \x00"], ("a\u2028b\x85c\x7f\ufeff", "👍 \x00")),
        (["2026-99-99", "{{input}}"], ("2026-99-99", "{{input}}")),
    ],
)
def test_labels_survive_yaml(outputs: list[str], expected: tuple[str, ...], invoke: Invoke) -> None:
    rows = [{"input": f"text {o}", "output": o} for o in outputs]
    Path("odd.json").write_text(json.dumps(rows))
    assert invoke("init", "odd.json", "-o", "odd.yaml", "--no-search").exit_code == 0
    experiment = Experiment.from_file("odd.yaml")
    assert experiment.labels.names == expected
    assert all(name in experiment.method.init_text for name in expected)  # type: ignore[attr-defined]


@pytest.mark.parametrize("label", ["{{input}}", "a\x00b\u2028c", "long " * 400])
def test_labels_survive_the_search(label: str, invoke: Invoke) -> None:
    rows = [{"input": f"text {n}", "output": o} for n in range(4) for o in (label, "other")]
    Path("odd.json").write_text(json.dumps(rows))
    done = invoke(
        "init", "odd.json", "-o", "odd.yaml", "--backend", "fake", "--base-model", FAKE_MODEL
    )
    assert done.exit_code == 0, done.stderr
    assert label.strip() in Experiment.from_file("odd.yaml").labels


def test_fields_are_written(invoke: Invoke) -> None:
    Path("rows.csv").write_text("review,stars\nfine,1\npoor,0\n")
    invoke("init", "rows.csv", "--input-field", "review", "--output-field", "stars", "-o", "c.yaml",
           "--no-search")  # fmt: skip
    spec = Experiment.from_file("c.yaml").data
    assert (spec.input_field, spec.output_field) == ("review", "stars")


def test_existing_file_is_kept(invoke: Invoke) -> None:
    before = Path("experiment.yaml").read_text()
    done = invoke("init", "train.json", "--no-search")
    assert done.exit_code == 2
    assert "--force" in done.stderr
    assert Path("experiment.yaml").read_text() == before
    assert invoke("init", "train.json", "--force", "--no-search").exit_code == 0
    assert Path("experiment.yaml").read_text() != before


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"input": "a", "output": "1"}] * 3, "all rows have the output '1'"),
        ([{"input": "a", "output": f"text {i}"} for i in range(60)], "60 distinct outputs"),
        ([{"t": 1, "output": "1"}], "no field 'input'"),
    ],
)
def test_init_refuses_data_that_cannot_be_classified(
    rows: list[dict[str, str]], message: str, invoke: Invoke
) -> None:
    Path("bad.json").write_text(json.dumps(rows))
    done = invoke("init", "bad.json", "-o", "bad.yaml", "--no-search")
    assert done.exit_code == 2
    assert message in done.stderr
    assert not Path("bad.yaml").exists()


def test_many_labels_with_rows_enough_are_labels(invoke: Invoke) -> None:
    rows = [{"input": f"text {i}", "output": f"intent {i % 60}"} for i in range(300)]
    Path("many.json").write_text(json.dumps(rows))
    assert invoke("init", "many.json", "-o", "many.yaml", "--no-search").exit_code == 0
    assert len(Experiment.from_file("many.yaml").labels) == 60


def test_the_search_is_in_the_file_with_its_numbers(invoke: Invoke) -> None:
    done = invoke("init", "train.json", "-o", "new.yaml", "--rows", "8", *SEARCH, "--json")
    assert done.exit_code == 0, done.stderr
    wording = json.loads(done.stdout)["wording"]
    assert wording["rows"] == 8
    best = max(one["correct"] for one in wording["tried"])
    text = Path("new.yaml").read_text()
    assert "# Right decisions of the untuned model on 8 training rows" in text
    assert f'#   {best:>3}  "{{{{input}}}}\\n": 0, 1  <- ladder\n' in text
    assert re.search(r'# +\d+  "Review: {{input}}\\nSentiment:\\n": 0, 1  <- verbalizer\n', text)
    experiment = Experiment.from_file("new.yaml")
    assert experiment.method.input_template == "Review: {{input}}\nSentiment:\n"
    assert experiment.method_named("zero_shot").input_template == "{{input}}\n"
    assert not Path("runs").exists()


def test_a_backend_that_chooses_settings_is_asked_to(invoke: Invoke) -> None:
    invoke("init", "train.json", "-o", "new.yaml", *SEARCH)
    method = Experiment.from_file("new.yaml").method
    assert set(method.auto_settings) == {"init_method", "learning_rate", "num_virtual_tokens"}
    assert method.num_epochs == 40  # type: ignore[attr-defined]
    assert method.search_epochs == method.num_epochs / 2  # type: ignore[attr-defined]
    assert STEADY.keys().isdisjoint(method.model_fields_set)  # it does not declare them


@pytest.mark.parametrize("search", [("--no-search",), ("--backend", "plain")])
def test_any_other_backend_gets_numbers(search: tuple[str, ...], invoke: Invoke) -> None:
    invoke("init", "train.json", "-o", "new.yaml", *search)
    method = Experiment.from_file("new.yaml").method
    assert method.auto_settings == ()
    assert method.learning_rate == 0.001  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("rows", "labels", "epochs"),
    [(20, 2, 40), (300, 2, 7), (500, 2, 4), (10_000, 2, 4), (300, 10, 20), (10_000, 77, 5)],
)
def test_few_rows_and_many_labels_get_more_epochs(rows: int, labels: int, epochs: int) -> None:
    assert epochs_for(rows, labels) == epochs


@pytest.mark.parametrize(
    ("rows", "others", "share"),
    [(300, 300, 0.15), (300, 299, None), (500, 100, 0.15), (599, 1, None), (10, 10, None)],
    ids=["enough", "few", "enough on average", "a label of one row", "very few"],
)
def test_rows_are_held_out_if_there_are_enough(
    rows: int, others: int, share: float | None, invoke: Invoke
) -> None:
    outputs = ["a"] * rows + ["b"] * others
    lines = [json.dumps({"input": f"text {i}", "output": x}) for i, x in enumerate(outputs)]
    Path("rows.jsonl").write_text("\n".join(lines))
    invoke("init", "rows.jsonl", "-o", "rows.yaml", "--no-search")
    written = yaml.safe_load(Path("rows.yaml").read_text())
    assert written["data"].get("validation") == share
    assert ("early_stopping_patience" in written["method"]) == (share is not None)


def test_the_search_costs_the_same_for_any_number_of_labels() -> None:
    data = DataSpec(train="train.json", validation=0.15)
    few, many = (
        yaml.safe_load(experiment_text(data, Path("e.yaml"), labels, CHOOSES, rows=300))["method"]
        for labels in (["a", "b"], [f"label{number}" for number in range(10)])
    )
    assert (few["num_epochs"], many["num_epochs"]) == (7, 20)
    assert "early_stopping_patience" not in few  # the rate would not fall to the end
    assert few["search_epochs"] == many["search_epochs"] == 3.5


def test_no_search_asks_no_model_and_writes_no_wording(invoke: Invoke) -> None:
    done = invoke("init", "train.json", "-o", "new.yaml", "--backend", "lacking", "--no-search")
    assert done.exit_code == 0, done.stderr
    text = Path("new.yaml").read_text()
    assert '# verbalizer: "{{input}}"' in text
    assert "ladder:" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--backend", "lacking"), "backend 'lacking' needs no_such_module"),
        (("--backend", "fake", "--base-model", "no/such"), "no/such"),
    ],
)
def test_a_model_that_was_asked_for_and_is_missing_is_an_error(
    arguments: tuple[str, ...], message: str, invoke: Invoke
) -> None:
    done = invoke("init", "train.json", "-o", "new.yaml", *arguments)
    assert done.exit_code != 0
    assert message in done.stderr
    assert not Path("new.yaml").exists()


def test_without_any_model_the_file_is_written_with_a_note(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunesmith.cli.init.DEFAULT_BACKEND", "lacking")
    done = invoke("init", "train.json", "-o", "new.yaml")
    assert done.exit_code == 0, done.stderr
    assert "no template was tried: backend 'lacking' needs no_such_module" in done.stderr
    assert Experiment.from_file("new.yaml").labels.names == ("0", "1")


def test_another_base_model_gets_the_settings_of_a_real_one(invoke: Invoke) -> None:
    invoke("init", "train.json", "-o", "new.yaml", "--base-model", "some/model", "--no-search")
    experiment = Experiment.from_file("new.yaml")
    assert experiment.base_model == "some/model"
    assert (experiment.method.num_epochs, experiment.method.learning_rate) == (4, 0.3)  # type: ignore[attr-defined]


def test_another_development_model_gets_the_settings_of_the_default_one(invoke: Invoke) -> None:
    pytest.importorskip("tunesmith_micro_granite")
    name = "tunesmith/micro-granite-2"
    invoke("init", "train.json", "-o", "new.yaml", "--base-model", name, "--no-search")
    method = Experiment.from_file("new.yaml").method
    assert (method.num_epochs, method.learning_rate) == (10, 0.001)  # type: ignore[attr-defined]


@pytest.mark.parametrize("rows_each", [3, 50])
def test_sixty_labels_with_few_rows_each(rows_each: int, invoke: Invoke) -> None:
    for file, rows in (("train.csv", range(rows_each)), ("test.csv", range(90, 91))):
        lines = [f"question {row} about topic {n},intent {n}" for row in rows for n in range(60)]
        Path(file).write_text("\n".join(["text,category", *lines]))
    done = invoke("init", "train.csv", "--test", "test.csv", "-o", "new.yaml", "--no-search")
    assert done.exit_code == 0, done.stderr
    said = "train.csv: the text is column 'text', the label is column 'category'"
    assert done.stderr.splitlines() == [said]
    experiment = Experiment.from_file("new.yaml")
    assert len(experiment.labels.names) == 60
    assert (experiment.data.input_field, experiment.data.output_field) == ("text", "category")
    assert experiment.data.validation is None
    planned = invoke("run", "new.yaml", "--backend", "fake", "--dry-run", "--json")
    assert planned.exit_code == 0, planned.stderr


def test_init_checks_the_test_rows(invoke: Invoke) -> None:
    Path("bad.json").write_text('[{"input": "a", "output": "2"}]')
    done = invoke("init", "train.json", "--test", "bad.json", "-o", "bad.yaml", "--no-search")
    assert done.exit_code == 2
    assert "'2' is not one of the labels" in done.stderr


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder served on loopback as the only data set of the catalog, ``small``."""
    folder = tmp_path / "served"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    files = tuple(CatalogFile(n, hashlib.sha256(c).hexdigest()) for n, c in CONTENT.items())
    url = f"http://127.0.0.1:{server.server_port}"
    entry = CatalogEntry("small", "for tests", url, files, "none")
    monkeypatch.setattr("tunesmith.cli.data.CATALOG", {"small": entry})
    monkeypatch.setattr("tunesmith.cli.data.CATALOG", {"small": entry})
    yield folder
    server.shutdown()
    server.server_close()
    thread.join()


def test_data_is_fetched_and_verified(served: Path, invoke: Invoke) -> None:
    done = invoke("data", "small")
    assert done.exit_code == 0, done.stderr
    assert "data/small/train.json\ndata/small/test.json\nnext: tunesmith init" in done.stdout
    assert {p.name: p.read_bytes() for p in Path("data/small").iterdir()} == CONTENT
    # A file that is there and correct is not fetched again.
    (served / "train.json").unlink()
    assert invoke("data", "small").exit_code == 0


@pytest.mark.parametrize("way", ["network", "--from"])
def test_changed_file_is_refused_and_not_written(way: str, served: Path, invoke: Invoke) -> None:
    (served / "train.json").write_bytes(b"[]")
    extra = ["--from", str(served)] if way == "--from" else []
    done = invoke("data", "small", *extra, "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "not the published file" in done.stderr
    assert not Path("data/small/train.json").exists()


def test_local_copy_needs_no_network(served: Path, invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("data", "small", "--from", str(served), "--to", str(tmp_path / "t"),
                  "--url", "http://127.0.0.1:1", "--json")  # fmt: skip
    assert json.loads(done.stdout)["files"] == [str(tmp_path / "t" / name) for name in CONTENT]
    lost = invoke("data", "small", "--from", str(tmp_path / "none"))
    assert lost.exit_code == 2
    assert "--from needs a folder with train.json, test.json" in lost.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "file:///etc"])
def test_without_a_network_the_error_has_a_remedy(url: str, served: Path, invoke: Invoke) -> None:
    done = invoke("data", "small", "--url", url)
    assert done.exit_code == 2
    assert "--from DIR" in done.stderr
    assert not Path("data/small/train.json").exists()


def test_other_file_in_the_way_is_kept(served: Path, invoke: Invoke) -> None:
    Path("data/small").mkdir(parents=True)
    Path("data/small/train.json").write_text("mine")
    done = invoke("data", "small")
    assert done.exit_code == 2
    assert "--to" in done.stderr
    assert Path("data/small/train.json").read_text() == "mine"


def test_unknown_data_set(invoke: Invoke) -> None:
    done = invoke("data", "tutorail")
    assert done.exit_code == 2
    assert "Did you mean 'tutorial'?" in done.stderr


def test_tutorial_data_have_the_known_checksums(invoke: Invoke) -> None:
    copy = Path(__file__).parents[4] / "shared" / "data" / "tutorial"
    if not copy.is_dir():
        pytest.skip(f"the tutorial's data are not at {copy}")
    done = invoke("data", "tutorial", "--from", str(copy))
    assert done.exit_code == 0, done.stderr
    assert len(list(Path("data/tutorial").iterdir())) == len(CATALOG["tutorial"].files) == 2


@pytest.mark.parametrize(
    ("arguments", "way"),
    [
        (("init", "odd.json", "--no-search", "-o", "new.yaml"), "--input-field NAME"),
        (("audit", "odd.json"), "--input-field NAME"),
        (("run", "odd.yaml", "--backend", "fake"), "data.input_field of the experiment"),
        (("tune", "odd.yaml", "--backend", "fake"), "data.input_field of the experiment"),
    ],
    ids=lambda value: value[0],
)
def test_a_message_names_the_option_of_its_command(
    arguments: tuple[str, ...], way: str, invoke: Invoke
) -> None:
    rows = [{"one text": f"a b c {n}", "two text": f"d e f {n}", "output": n % 2} for n in range(9)]
    Path("odd.json").write_text(json.dumps(rows))
    text = Path("experiment.yaml").read_text()
    Path("odd.yaml").write_text(text.replace("train.json", "odd.json"))
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].endswith(f"could be the text. Name the column: {way}")
