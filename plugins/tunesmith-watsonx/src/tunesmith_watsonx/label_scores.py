"""Label scores of an untuned model, from the log-probabilities of input tokens.

The API has no call for them. But it tells how probable each token of an input is behind those
before it, so a text that ends in a label tells how probable the label is behind the prompt.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, takewhile
from typing import NoReturn

from tunesmith.errors import ExperimentError, PredictionError, UnsupportedError
from tunesmith.records import Classification, TokenInfo
from tunesmith.spec import GenerationParams

PARAMS = GenerationParams(
    max_new_tokens=0, return_options={"input_tokens": True, "token_logprobs": True}
)
"""How the texts are asked for: nothing is generated."""
NEW_TOKENS = 20
"""New tokens if nobody sets a limit."""
_FIELD = "results[0].input_tokens"
_REMEDY = "take another base model, or the backend local, which has label scores"


def texts_of(prompt: str, labels: Sequence[str]) -> list[str]:
    """Return what must be asked: the prompt, then the prompt continued with each label.

    Behind a word a label stands with a space before it, as a model goes on.
    """
    joint = "" if not prompt or prompt[-1].isspace() else " "
    return [prompt, *(f"{prompt}{joint}{label}" for label in labels)]


def check_tokens(tokens: Mapping[str, Sequence[str]]) -> None:
    """Refuse labels of which one begins another: it has no score of its own.

    What would tell them apart, the end of text behind the shorter one, cannot be asked for.

    Raises:
        UnsupportedError: names the two labels.
    """
    for (short, begun), (long, whole) in permutations(tokens.items(), 2):
        if tuple(whole[: len(begun)]) == tuple(begun):
            raise UnsupportedError(
                f"labels: {short!r} begins {long!r} (tokens {list(begun)} and {list(whole)}), so "
                "that watsonx.ai cannot tell how probable the shorter one is by itself; take "
                "other label texts, or answer: text"
            )


def check_room(tokens: Mapping[str, Sequence[str]], params: GenerationParams) -> None:
    """Refuse labels that are longer than what may be generated.

    Raises:
        ExperimentError: names the label and the parameter.
    """
    most = NEW_TOKENS if params.max_new_tokens is None else params.max_new_tokens
    for label, words in tokens.items():
        if len(words) > most:
            raise ExperimentError(
                f"labels: {label!r} has {len(words)} tokens, but generation.max_new_tokens is "
                f"{most}; raise it or take a shorter label"
            )


def behind(prompt: Sequence[str], texts: Mapping[str, Sequence[str]]) -> int:
    """Return where the tokens of labels begin: behind what all texts and the prompt share."""
    rows = [tuple(prompt), *map(tuple, texts.values())]
    # What the first and the last in order share, all share.
    pairs = zip(min(rows), max(rows), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@dataclass(frozen=True)
class LabelScores:
    """How probable each label is behind one prompt, by label."""

    tokens: Mapping[str, tuple[str, ...]]
    """With which each label continues the prompt, as the vocabulary spells them."""
    log_probs: Mapping[str, float]
    """Sums over the tokens of each label, natural logarithm."""

    @property
    def classification(self) -> Classification:
        """Probabilities over the labels, and of all labels together."""
        most = max(self.log_probs.values(), default=0.0)
        shares = {label: math.exp(score - most) for label, score in self.log_probs.items()}
        total = math.fsum(shares.values())
        return Classification(
            probabilities={label: share / total for label, share in shares.items()},
            mass=min(1.0, math.fsum(map(math.exp, self.log_probs.values()))),
        )


def read_scores(
    prompt: Sequence[TokenInfo] | None, texts: Mapping[str, Sequence[TokenInfo] | None]
) -> LabelScores:
    """Return the scores of labels from the tokens of the prompt and of the texts.

    Args:
        prompt: the tokens of the prompt alone; None if the service gave none.
        texts: those of the prompt continued with each label, by label; likewise.

    Raises:
        UnsupportedError: one label begins another.
        PredictionError: a log-probability is absent or no number.
    """
    given = {label: infos for label, infos in texts.items() if infos}
    if prompt is None or len(given) < len(texts):
        raise PredictionError(
            f"{_FIELD}: the service gave no tokens of the input, though return_options asked for "
            f"them; {_REMEDY}"
        )
    spelled = {label: [info.text for info in infos] for label, infos in given.items()}
    start = behind([info.text for info in prompt], spelled)
    tokens = {label: tuple(words[start:]) for label, words in spelled.items()}
    check_tokens(tokens)
    return LabelScores(tokens, {label: _sum(label, infos, start) for label, infos in given.items()})


def _sum(label: str, infos: Sequence[TokenInfo], start: int) -> float:
    total = 0.0
    for index, info in enumerate(infos[start:], start):
        if info.logprob is None or not math.isfinite(info.logprob):
            _refuse(label, index, info)
        total += info.logprob
    return total


def _refuse(label: str, index: int, info: TokenInfo) -> NoReturn:
    what = "none" if info.logprob is None else str(info.logprob)
    raise PredictionError(
        f"{_FIELD}[{index}].logprob: the service gave {what} for the token {info.text!r} of label "
        f"{label!r}; "
        + ("put text before the input: the first token has none" if index == 0 else _REMEDY)
    )
