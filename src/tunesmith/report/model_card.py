"""The model card of a tuned model, in the Hugging Face form: metadata, then what a user must know.

It names data and base model, never a path or a row, so that the adapter's folder can be given away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from tunesmith.atomic import write_atomically
from tunesmith.dataset import HUB
from tunesmith.errors import RunError
from tunesmith.evaluation.comparison import correct
from tunesmith.evaluation.metrics import Evaluation
from tunesmith.methods import PLACEHOLDER
from tunesmith.runs.judgment import NAMES, TFIDF, UNTUNED, compared, judge
from tunesmith.runs.record import RunRecord
from tunesmith.runs.run import ADAPTER, Run

if TYPE_CHECKING:
    from jinja2 import Template

CARD = "README.md"
_DEVELOPMENT_MODEL = "tunesmith/micro-granite"
PROBE = "linear_probe"
_ADAPTER = "This folder holds the adapter alone; the base model is needed beside it."
_WHOLE = "This folder holds the whole model, tokenizer included."
_SUFFIX = (
    "This folder holds the soft prompt alone, which stands after the text; the base model is "
    "needed beside it."
)
_PROBE = (
    "This folder holds the probe alone: a logistic regression on the base model's hidden states. "
    "The base model is needed beside it."
)


def write(run: Run) -> None:
    """Write ``adapter/README.md`` where the backend exported an adapter.

    Raises:
        RunError: the run has no evaluation.
        OSError: the run directory cannot be written.
    """
    if (run.directory / ADAPTER).is_dir():
        write_atomically(run.directory / ADAPTER / CARD, model_card(run.record))


def model_card(record: RunRecord) -> str:
    """Return the card of the tuned model of ``record``; the same record gives the same text.

    Raises:
        RunError: nothing was tuned, or the tuned model was not evaluated.
    """
    model, evaluation = record.model, record.evaluations.get("tuned")
    if model is None or evaluation is None:
        raise RunError(f"run {record.name!r} holds no evaluation of a tuned model; no card for it")
    base = record.stand_in or record.base_model
    (library, holds), details = _files(model.method), model.details
    seq2seq = str(details.get("architecture")).endswith("ForConditionalGeneration")
    return _template().render(
        record=record, base=base, embedded=base == _DEVELOPMENT_MODEL, library=library,
        metadata=_yaml(_metadata(record, base, library, evaluation)),
        title=str(model.method["name"]).replace("_", " "),
        holds=holds,
        generates=model.method["name"] != PROBE,
        labels=model.labels,
        method=_yaml(model.method).rstrip(),
        details={"optimizer_steps": None, "truncated_rows": 0, **details},
        best_epoch=model.curve.best_epoch,
        versions=_versions(record.provenance),
        evaluation=evaluation,
        headline=judge(record).headline,
        opponents=dict(_opponents(record)),
        seq2seq=seq2seq,
        auto_class="AutoModelForSeq2SeqLM" if seq2seq else "AutoModelForCausalLM",
        dtype=details.get("dtype", "auto"),
        template=model.method.get("verbalizer", PLACEHOLDER),
        max_new_tokens=(record.experiment.get("generation") or {}).get("max_new_tokens") or 20,
    )  # fmt: skip


def _opponents(record: RunRecord) -> Iterator[tuple[str, str]]:
    """Yield against what the model was measured, and the verdict; what was not measured too."""
    found, names = compared(record), [one.name for one in judge(record).opponents]
    several = correct(found) if len(found) > 1 else found
    for name, one in zip(names, several, strict=True):
        yield name, one.line
    for needed in (NAMES[UNTUNED], NAMES[TFIDF]):
        if not any(name.startswith(needed) for name in names):
            yield needed, "not measured"


def _files(method: Mapping[str, Any]) -> tuple[str, str]:
    """Return the library that reads the exported files, and what they hold."""
    if method["name"] == PROBE:
        return "tunesmith", _PROBE
    if method.get("prompt_position") == "suffix":
        return "tunesmith", _SUFFIX
    return ("transformers", _WHOLE) if method["name"] == "fine_tuning" else ("peft", _ADAPTER)


def _metadata(record: RunRecord, base: str, library: str, evaluation: Evaluation) -> dict[str, Any]:
    sources = [used.source for used in record.data.values()]
    hub = sorted({_dataset(source)["type"] for source in sources if source.startswith(HUB)})
    method = record.experiment["method"]["name"]
    return {
        "base_model": base,
        "library_name": library,
        "pipeline_tag": "text-classification" if method == PROBE else "text-generation",
        "tags": [method.replace("_", "-"), "tunesmith"],
        **({"datasets": hub} if hub else {}),
        "model-index": [{"name": record.name, "results": [_result(record, evaluation)]}],
    }


def _result(record: RunRecord, evaluation: Evaluation) -> dict[str, Any]:
    low, high = evaluation.accuracy_interval
    return {
        "task": {"type": "text-classification", "name": "Text classification"},
        "dataset": _dataset(record.data["test"].source),
        "metrics": [
            {
                "type": "accuracy",
                "value": round(evaluation.accuracy, 4),
                "name": f"Accuracy (Wilson's 95% interval {low:.4f} to {high:.4f})",
            },
            {"type": "f1", "value": round(evaluation.f1_macro, 4), "name": "Macro F1"},
        ],
    }


def _dataset(source: str) -> dict[str, str]:
    """Return how the front matter names a source: a data set of the hub, or a file."""
    if source.startswith(HUB):
        name, _, split = source.removeprefix(HUB).partition(":")
        return {"type": name, "name": name, **({"split": split} if split else {})}
    name = _name(source)
    slug = re.sub(r"[^a-z0-9]+", "-", name.rpartition(".")[0].lower()).strip("-")
    return {"type": slug or "file", "name": name}


def _name(source: str) -> str:
    """Return a source without the folders that it lies in, on whichever system it was read."""
    return source if source.startswith(HUB) else re.split(r"[/\\]", source)[-1]


def _versions(provenance: Mapping[str, Any]) -> dict[str, str]:
    own = {name: provenance[name] for name in ("tunesmith", "python") if name in provenance}
    return {**own, **provenance.get("versions", {})}


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
