"""The model card of a tuned model, in the Hugging Face form: metadata, then text for its user.

It names data and base model, never a path or a row, so that the adapter's folder can be given away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import yaml

from tunesmith.atomic import write_atomically
from tunesmith.dataset import HUB
from tunesmith.errors import RunError
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.hookspecs import Artifact
from tunesmith.methods import PLACEHOLDER
from tunesmith.plugins import method_entry, registry
from tunesmith.records import TunedModel
from tunesmith.report.formatting import choice_line
from tunesmith.report.verdict import Against, against, classifier_baselines
from tunesmith.runs.judgment import NAMES, UNTUNED, judge
from tunesmith.runs.old_names import old_artifact
from tunesmith.runs.record import RunRecord
from tunesmith.runs.run import ADAPTER, RunDirectory

if TYPE_CHECKING:
    from huggingface_hub import EvalResult
    from jinja2 import Template

CARD = "README.md"
HUB_LIBRARY = "huggingface_hub"


def write(run: RunDirectory) -> None:
    """Write ``adapter/README.md`` if the backend exported an adapter.

    Raises:
        RunError: the run has no evaluation.
        OSError: the run directory cannot be written.
    """
    if not (run.directory / ADAPTER).is_dir():
        return
    if find_spec(HUB_LIBRARY) is None:
        run.note(
            f"the model card has no metadata for the Hugging Face hub: {HUB_LIBRARY} is not "
            f"installed; pip install {HUB_LIBRARY}"
        )
    write_atomically(run.directory / ADAPTER / CARD, model_card(run.record))


def model_card(record: RunRecord) -> str:
    """Return the card of the tuned model of ``record``; the same record gives the same text.

    Raises:
        RunError: nothing was tuned, or the tuned model was not evaluated.
    """
    model, evaluation = record.model, record.evaluations.get("tuned")
    if model is None or evaluation is None:
        raise RunError(f"run {record.name!r} has no evaluation of a tuned model; no card for it")
    base, artifact, found = record.stand_in or record.base_model, _artifact(model), judge(record)
    embedded, made_with = record.is_development(base), record.provenance
    seq2seq = str(model.details.get("architecture")).endswith("ForConditionalGeneration")
    return _template().render(
        record=record, model=model, evaluation=evaluation, base=base, embedded=embedded,
        path=_path(base) if embedded else None, artifact=artifact,
        metadata=_metadata(record, base, artifact.library, evaluation),
        title=str(model.method["name"]).replace("_", " "),
        generates=record.kind != "classifier",
        method=_yaml(model.method).rstrip(),
        details={"optimizer_steps": None, "truncated_rows": 0, **model.details},
        choices=[choice_line(choice) for choice in model.choices],
        versions={name: made_with[name] for name in ("tunesmith", "python") if name in made_with}
        | made_with.get("versions", {}),
        headline=found.headline,
        opponents=dict(_opponents(against(record, found))),
        seq2seq=seq2seq,
        auto_class="AutoModelForSeq2SeqLM" if seq2seq else "AutoModelForCausalLM",
        dtype=model.details.get("dtype", "auto"),
        template=model.method.get("verbalizer", PLACEHOLDER),
        max_new_tokens=(record.experiment.get("generation") or {}).get("max_new_tokens") or 20,
    )  # fmt: skip


def _opponents(lines: Sequence[Against]) -> Iterator[tuple[str, str]]:
    """Yield each opponent with the verdict; those that were not measured too."""
    yield from ((one.opponent.name, one.comparison.line) for one in lines)
    for needed in (NAMES[UNTUNED], *classifier_baselines()):
        if not any(one.opponent.name.startswith(needed) for one in lines):
            yield needed, "not measured"


def _artifact(model: TunedModel) -> Artifact:
    """Return the exported files: as the backend describes them, or by the method's entry."""
    if given := model.details.get("artifact"):
        return Artifact(given["library"], given["holds"])
    entry = method_entry(model.method["name"])
    return old_artifact(model.method) or (entry.artifact if entry else Artifact())


def _path(base_model: str) -> list[str] | None:
    """Return module and name of the function that gives the folder of an embedded base model."""
    entry = registry().base_models().get(base_model)
    return entry.path.split(":") if entry and entry.path else None


def _metadata(record: RunRecord, base: str, library: str, evaluation: Evaluation) -> str:
    """Return the metadata as YAML; empty if the library that writes them is not installed."""
    if find_spec(HUB_LIBRARY) is None:
        return ""
    from huggingface_hub import ModelCardData

    sources = [used.source for used in record.data.values()]
    hub = sorted({_dataset(source)["type"] for source in sources if source.startswith(HUB)})
    method = record.experiment["method"]["name"]
    data = ModelCardData(
        base_model=base,
        library_name=library,
        pipeline_tag="text-classification" if record.kind == "classifier" else "text-generation",
        tags=[method.replace("_", "-"), "tunesmith"],
        datasets=hub or None,
        model_name=record.name,
        eval_results=list(_results(record, evaluation)),
    )
    return f"{data.to_yaml().rstrip()}\n"


def _results(record: RunRecord, evaluation: Evaluation) -> Iterator[EvalResult]:
    from huggingface_hub import EvalResult

    low, high = evaluation.accuracy_interval
    interval = f"Accuracy (Wilson's 95% interval {low:.4f} to {high:.4f})"
    dataset = _dataset(record.data["test"].source)
    for kind, name, value in (
        ("accuracy", interval, evaluation.accuracy),
        ("f1", "Macro F1", evaluation.f1_macro),
    ):
        yield EvalResult(
            task_type="text-classification", task_name="Text classification",
            metric_type=kind, metric_name=name, metric_value=round(value, 4),
            dataset_type=dataset["type"], dataset_name=dataset["name"],
            dataset_split=dataset.get("split"),
        )  # fmt: skip


def _dataset(source: str) -> dict[str, str]:
    """Return the metadata of a source: a data set of the hub, or a file."""
    if source.startswith(HUB):
        name, _, split = source.removeprefix(HUB).partition(":")
        return {"type": name, "name": name, **({"split": split} if split else {})}
    name = _name(source)
    slug = re.sub(r"[^a-z0-9]+", "-", name.rpartition(".")[0].lower()).strip("-")
    return {"type": slug or "file", "name": name}


def _name(source: str) -> str:
    """Return a source without its folders, in the notation of any system."""
    return source if source.startswith(HUB) else re.split(r"[/\\]", source)[-1]


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # noqa: S701  # Markdown: the filters escape, and not as HTML does
        loader=PackageLoader("tunesmith"), undefined=StrictUndefined, keep_trailing_newline=True,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"prose": _prose, "code": _code, "source": _name, "python": json.dumps}
    return environment.get_template("model_card.md")


class _OneLine(yaml.SafeDumper):
    """Writes every text on one line, so that none can end the front matter or a fence."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_OneLine.add_representer(str, _text)


def _yaml(values: Mapping[str, Any]) -> str:
    """Return block YAML with one line for each plain value, in the order given."""
    return yaml.dump(
        dict(values), Dumper=_OneLine, sort_keys=False, allow_unicode=True, width=float("inf")
    )


def _prose(text: object) -> str:
    """Return ``text`` on one line, as text: no tag, no cell of a table, no emphasis."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(str(text).split()))


def _code(text: str) -> str:
    """Return ``text`` as a code span on one line; its own backticks do not end it."""
    line = text.replace("\n", "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}")
    ticks = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{line}{space}{ticks}"
