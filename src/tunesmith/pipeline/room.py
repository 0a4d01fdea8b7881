"""Whether a prompt and its answer fit into the positions of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.errors import ExperimentError
from tunesmith.methods import FewShot
from tunesmith.records import Reading
from tunesmith.spec import TuningSpec


@dataclass(frozen=True, slots=True)
class Room:
    """The positions of a model, in tokens, and what takes them besides the prompt."""

    positions: int
    most: int
    """New tokens that a text may have."""
    longest: int
    """Of the text of a label, with its end."""
    scored: int
    """Behind the prompt in a decision."""
    virtual: int = 0
    cuts: bool = True
    """Whether ``max_input_tokens`` of the method cuts every prompt."""


def check_room(spec: TuningSpec, lengths: Sequence[int], answer: Reading, room: Room) -> None:
    """Refuse prompts that do not fit.

    Args:
        spec: of the model that is asked.
        lengths: tokens of each prompt, before it is cut.
        answer: the reading of the answer.
        room: of the model.

    Raises:
        ExperimentError: names the setting that mends it.
    """
    new, limits = room.scored, [getattr(spec.method, "max_input_tokens", None)]
    if not room.cuts:
        limits = []
    if answer == "text":
        new = room.most
        limits.append(spec.generation.truncate_input_tokens)
    cut = min((limit for limit in limits if limit), default=None)
    read = [length if cut is None else min(length, cut) for length in lengths]
    left = room.positions - room.virtual - new
    if max(read, default=0) <= left:
        return
    also = f"{room.virtual} virtual tokens and " if room.virtual else ""
    raise ExperimentError(
        f"{sum(length > left for length in read)} of {len(read)} prompts do not fit: the longest "
        f"has {max(read)} tokens, and with {also}{new} tokens of the answer it exceeds the "
        f"{room.positions} positions of {spec.base_model!r}; "
        + _remedy(spec, answer, room, max(left, 1), max(read))
    )


def _remedy(spec: TuningSpec, answer: Reading, room: Room, left: int, longest: int) -> str:
    """Return the settings that mend it, if ``left`` tokens are for a prompt in this reading."""
    free = room.positions - room.virtual - longest  # behind the longest prompt
    if answer == "text" and free >= room.longest:
        return f"set generation.max_new_tokens={free}"
    if spec.method.tunes and room.cuts:
        return f"set method.max_input_tokens={left}"
    ways = []
    if isinstance(spec.method, FewShot):
        fewer = spec.method.examples_per_label > 1
        ways = ["lower method.examples_per_label" if fewer else "set method.name=zero_shot"]
    text = "" if answer == "text" else "answer=text and "
    cut = max(room.positions - room.virtual - max(room.most, room.longest), 1)
    ways.append(f"set {text}generation.truncate_input_tokens={cut}, which cuts from the left")
    return ", or ".join(ways)
