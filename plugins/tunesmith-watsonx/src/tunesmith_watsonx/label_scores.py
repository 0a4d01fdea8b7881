"""Label scores of an untuned model, from the log-probabilities of input tokens.

The API has no call for them. But it gives the log-probability of each token of an input after the
previous ones. So the prompt, continued with a label, gives the log-probability of the label.
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
"""The parameters of these requests: nothing is generated."""
NEW_TOKENS = 20
"""New tokens if no limit is set."""
_FIELD = "results[0].input_tokens"
_REMEDY = "take another base model, or the backend local, which has label scores"


def texts_of(prompt: str, labels: Sequence[str]) -> list[str]:
    """Return the texts to request: the prompt, then the prompt continued with each label.

    After a word, a space separates the label, as a model would write it.
    """
    joint = "" if not prompt or prompt[-1].isspace() else " "
    return [prompt, *(f"{prompt}{joint}{label}" for label in labels)]


def check_tokens(tokens: Mapping[str, Sequence[str]]) -> None:
    """Refuse labels if the tokens of one are a prefix of another's.

    Only the end of text after the shorter one would separate them, and it cannot be requested.

    Raises:
        UnsupportedError: names the two labels.
    """
    for (short, begun), (long, whole) in permutations(tokens.items(), 2):
        if tuple(whole[: len(begun)]) == tuple(begun):
            raise UnsupportedError(
                f"labels: {short!r} begins {long!r} (tokens {list(begun)} and {list(whole)}), so "
                "that watsonx.ai gives no separate score of the shorter one; take "
                "other label texts, or answer: text"
            )


def new_tokens(params: GenerationParams) -> int:
    """Return the limit of new tokens, by default the service's."""
    return NEW_TOKENS if params.max_new_tokens is None else params.max_new_tokens


def check_new_tokens(tokens: Mapping[str, Sequence[str]], params: GenerationParams) -> None:
    """Refuse labels with more tokens than may be generated.

    Raises:
        ExperimentError: names the label and the parameter.
    """
    most = new_tokens(params)
    for label, words in tokens.items():
        if len(words) > most:
            raise ExperimentError(
                f"labels: {label!r} has {len(words)} tokens, but generation.max_new_tokens is "
                f"{most}; raise it or take a shorter label"
            )


def behind(prompt: Sequence[str], texts: Mapping[str, Sequence[str]]) -> int:
    """Return the start of the label's tokens: the length of the prefix that all texts share."""
    rows = [tuple(prompt), *map(tuple, texts.values())]
    # All share the common prefix of the first and the last in sorted order.
    pairs = zip(min(rows), max(rows), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@dataclass(frozen=True)
class LabelScores:
    """The scores of labels after one prompt."""

    tokens: Mapping[str, tuple[str, ...]]
    """The tokens of each label, as the vocabulary spells them."""
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
        texts: the tokens of the prompt continued with each label, by label; or None.

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
