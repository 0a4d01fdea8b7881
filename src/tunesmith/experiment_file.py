"""Reads and writes experiment files (YAML)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tunesmith.errors import ExperimentError, near_misses, unreadable
from tunesmith.methods import PLACEHOLDER

LABELS = "labels"
"""The key under which every value is meant as text."""


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        ExperimentError: the file is missing, not YAML, or not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = near_misses(path.name, (p.name for p in path.parent.glob("*.y*ml")))
        raise ExperimentError(
            f"{path}: no such experiment file.{near} "
            "Write one for your data with: tunesmith init DATA"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(unreadable(error, path)) from None
    try:
        value = _loaded(text, _labels)
    except RewrittenError as error:
        raise ExperimentError(f"{path}, line {error.line}: {LABELS}: {error}") from None
    except yaml.reader.ReaderError as error:
        number, code = text.count("\n", 0, error.position) + 1, f"\\u{error.character:04x}"
        raise ExperimentError(
            f"{path}, line {number}: YAML has no character {code}; remove it, or write it as "
            f'"{code}", in double quotes'
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise ExperimentError(
            f"{path}{line}: not YAML: {problem}. Correct the line; a text with : or # needs quotes"
        ) from None
    except RecursionError:
        raise ExperimentError(f"{path}: too many brackets inside each other; remove some") from None
    if not isinstance(value, dict):
        raise ExperimentError(f"{path}: expected keys such as base_model, method, data, labels")
    return value


def parse_overrides(
    settings: Iterable[str], option: str = "--set", example: str = "method.num_epochs=5"
) -> dict[str, Any]:
    """Turn ``KEY=VALUE`` texts into a mapping; values are read as YAML (5, 0.1, [a, b], text).

    Args:
        settings: the texts; what is no YAML is taken as text.
        option: the option that has them, for messages.
        example: a text as it should be.

    Raises:
        ExperimentError: a text without ``=``, or a label that YAML rewrites.
    """
    overrides: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise ExperimentError(f"{option} {setting}: expected KEY=VALUE, e.g. {example}")
        try:
            overrides[key] = _value(key, value)
        except RewrittenError as error:
            raise ExperimentError(f"{option} {setting}: {error}") from None
    return overrides


def _value(key: str, text: str) -> Any:
    labels = key.partition(".")[0] == LABELS
    # YAML would read a template such as `Comment: {{input}}` as a mapping.
    if PLACEHOLDER in text and not labels and not text.startswith(("'", '"')):
        return text
    texts = _scalars if labels else lambda root: ()
    try:
        return _loaded(text, texts) if text else ""
    except (yaml.YAMLError, RecursionError):
        return text


class RewrittenError(Exception):
    """YAML reads something else than the text that stands in the file, in ``line`` (from 1)."""

    def __init__(self, node: yaml.ScalarNode, value: object) -> None:
        super().__init__(
            f"YAML reads {node.value} as {value!r}, not as text; write it in quotes: '{node.value}'"
        )
        self.line = node.start_mark.line + 1


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML would keep the last."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError:
            # 2026-99-99 has the form of a date, 0x_ that of a number.
            problem = f"{node.value!r:.60} is no date and no number; write it in quotes"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from None

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        value = super().construct_scalar(node)
        try:
            # JSON, and so a file that was converted, escapes an emoji in two halves.
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            problem = f"{value!r:.60} has half of an emoji or of another character; remove it"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"the key {key.value!r} is there twice; keep one"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _loaded(text: str, texts: Callable[[yaml.Node], Iterable[yaml.ScalarNode]]) -> Any:
    """Return the value of ``text``; the scalars that ``texts`` finds in it are meant as texts.

    Raises:
        RewrittenError: YAML rewrites one of these: it reads 010 as 8, 12:30 as 750, yes as True.
        YAMLError: not YAML.
    """
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        for node in texts(root):
            value = loader.construct_object(node)
            # A whole number that is written as Python writes it, such as 0 or -1, becomes its text.
            whole = isinstance(value, int) and str(value) == node.value
            if not isinstance(value, str) and not whole:
                raise RewrittenError(node, value)
            if node.start_mark.line != node.end_mark.line and node.style not in ("|", ">"):
                problem = "YAML removes the line end inside this text; write it on one line, in "
                problem += "double quotes, with \\n or \\x85 for the line end"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _labels(root: yaml.Node, depth: int = 2) -> Iterator[yaml.ScalarNode]:
    """Yield the labels of an experiment, or of one that is the value of a key."""
    if isinstance(root, yaml.MappingNode) and depth:
        for key, value in root.value:
            yield from _scalars(value) if key.value == LABELS else _labels(value, depth - 1)


def _scalars(node: yaml.Node, depth: int = 2) -> Iterator[yaml.ScalarNode]:
    """Yield the scalars of a list of labels, or of a mapping with lists of forms."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.CollectionNode) and depth:
        for part in node.value:
            for one in part if isinstance(part, tuple) else (part,):
                yield from _scalars(one, depth - 1)


def apply_overrides(
    values: dict[str, Any],
    overrides: Mapping[str, Any],
    note: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Return ``values`` with dotted keys replaced.

    Another ``method.name`` starts from the defaults of that method; no key of the old one is kept,
    and ``note`` gets a sentence about those that are dropped.
    """
    result = {k: dict(v) if isinstance(v, dict) else v for k, v in values.items()}
    if isinstance(result.get("method"), str):
        result["method"] = {"name": result["method"]}
    new = overrides.get("method.name", overrides.get("method"))
    old = result.get("method") or {}
    if isinstance(new, str) and new != old.get("name"):
        result["method"] = {"name": new}
        dropped = [key for key in old if key != "name" and f"method.{key}" not in overrides]
        if dropped:
            note(
                f"method.name={new}: these settings of the file's method are left out: "
                f"{', '.join(dropped)}"
            )
    for key, value in overrides.items():
        if key != "method" or not isinstance(value, str):
            _set(result, key, value)
    return result


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise ExperimentError(f"{key}: {parent!r} is not a group of keys")
    values[last] = value
