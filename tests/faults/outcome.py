"""What a folder of work says, without ids and times: two runs of one command say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.faults.points import stable

_ENGINE = re.compile(r"(^|/)(tmp|checkpoints|authority)(/|$)|(^|/)\.?lock$|\.sqlite")
_VOLATILE = {
    "id", "job_id", "model_id", "created_at", "finished_at", "started_at", "seconds", "latency",
    "time", "location", "provenance", "at", "run_dir", "directory_name", "cost", "model_path",
    "seconds_total", "error",
}  # fmt: skip
_NOTE = re.compile(r"((<li>|- )[^<>\n]*)?cannot resume a tuning: it was started again(</li>|\n)?")
"""True of the run that went on, and of no clean one."""
_ID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}|\d{8}-\d{6}-[\w-]+-[0-9a-f]{4}\b")
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?[\d.:+Z]*( UTC)?)?|"
    r"\d+(\.\d+)?(e-\d+)?\s?(ms|s|min|seconds|h)\b"
)


def files(folder: Path) -> dict[str, list[Path]]:
    """Return the files of the work by their stable names, without locks and temporary folders."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        name = stable(path.relative_to(folder).as_posix())
        if path.is_file() and not _ENGINE.search(name):
            found.setdefault(name, []).append(path)
    return found


def debris(folder: Path) -> list[str]:
    """Return the temporary files that are left."""
    left = [p for p in folder.rglob("*") if p.name.startswith(".") and "lock" not in p.name]
    return [str(path.relative_to(folder)) for path in left + list((folder / "tmp").glob("*"))]


def outcome(folder: Path) -> dict[str, list[Any]]:
    """Return the contents of the files by name. A file of several versions is there once each."""
    return {
        name: _once([_content(path) for path in paths])
        for name, paths in files(folder).items()
        if not any(part.startswith(".") for part in Path(name).parts)
    }


def differences(clean: dict[str, list[Any]], other: dict[str, list[Any]]) -> Iterator[str]:
    """Yield what ``other`` lacks, has beside, or has otherwise.

    A store may hold more: a job or a model that no record names, because the fault came first.
    """
    for name in sorted({*clean, *other}):
        stored = "store" in Path(name).parts
        if name not in other:
            yield f"{name}: missing"
        elif name not in clean:
            if not stored:
                yield f"{name}: not in the clean run"
        elif (
            any(one not in other[name] for one in clean[name])
            if stored
            else (clean[name] != other[name])
        ):
            yield f"{name}: {_first_difference(clean[name], other[name])}"


def half_written(folder: Path) -> Iterator[str]:
    """Yield the files that a reader takes for whole and that are not."""
    for name, paths in files(folder).items():
        for path in paths:
            if any(part.startswith(".") for part in Path(name).parts) or path.suffix not in (
                ".json",
                ".jsonl",
            ):
                continue
            # A log's last line is left out by its readers if it has no end.
            text = path.read_text("utf-8")
            grows = path.name in ("results.jsonl", "events.jsonl", "losses.jsonl")
            lines = [text] if path.suffix == ".json" else text.split("\n")
            for line in lines[:-1] if grows else lines:
                try:
                    if line or path.suffix == ".json":
                        json.loads(line)
                except ValueError as error:
                    yield f"{name}: {error}"


def _content(path: Path) -> Any:
    if path.name == "events.jsonl":
        # A line that a dying process began is left out, as the store does.
        lines = path.read_text("utf-8").split("\n")[:-1]
        events = [json.loads(line) for line in lines if line.endswith("}")]
        told = (event for event in events if event["kind"] != "status")
        return [_plain(event) for event in told if not event["message"].startswith("resumed after")]
    if path.name == "results.jsonl":
        return None  # the record has all results, also one whose line could not be appended
    if path.suffix == ".json":
        return _plain(json.loads(path.read_text("utf-8")))
    if path.suffix in (".html", ".md", ".svg"):
        return _text(path.read_text("utf-8"))
    return path.read_bytes()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_text(k): _plain(v) for k, v in value.items() if k not in _VOLATILE}
    if isinstance(value, list):
        return [_plain(v) for v in value if not (isinstance(v, str) and _NOTE.search(v))]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return _TIME.sub("TIME", _ID.sub("ID", _NOTE.sub("", text)))


def _once(values: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return sorted(kept, key=repr)  # the ids, by which the files are sorted, differ


def _first_difference(one: Any, other: Any, where: str = "") -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            if one.get(key) != other.get(key):
                return _first_difference(one.get(key), other.get(key), f"{where}.{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            if a != b:
                return _first_difference(a, b, f"{where}[{number}]")
    if isinstance(one, str) and isinstance(other, str):
        at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
        one, other = one[max(0, at - 60) :], other[max(0, at - 60) :]
    return f"{where} {one!r:.160} against {other!r:.160}"
