"""In which reading answers are judged: the option ``--answer``."""

from __future__ import annotations

import click

from tunesmith.evaluation.readings import READINGS

READ_AS = {
    "decision": "answers are read as decisions: the most probable label",
    "text": "answers are read as text: the label that a model wrote",
}

answer_option = click.option(
    "--answer",
    type=click.Choice(READINGS),
    help="Read answers as the most probable label, or as the label that was written.",
)
