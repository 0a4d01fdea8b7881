"""``tunesmith methods``: what can be done with a base model. Imports no method."""

from __future__ import annotations

from tunesmith.cli import screen
from tunesmith.cli.command import command
from tunesmith.plugins import registry

CORE = {
    "prompt_tuning": "A soft prompt for a frozen model (Lester et al. 2021).",
    "zero_shot": "A hard prompt around each input; tunes nothing.",
    "few_shot": "A hard prompt with solved examples; tunes nothing.",
}
"""The methods of the core. Text, because their classes cost the import of pydantic."""


@command("methods", example="tunesmith methods")
@screen.json_option
def methods(as_json: bool) -> None:
    """List the methods: those of the core, and those that a backend brings."""
    rows = [(name, "tunesmith", summary) for name, summary in CORE.items()]
    rows += [
        (method.name, entry.name, method.summary)
        for entry in registry().backends().values()
        for method in entry.methods
    ]
    document = [{"name": n, "from": source, "summary": text} for n, source, text in rows]
    screen.emit(as_json, document, lambda: screen.table(("method", "from", "summary"), rows))
