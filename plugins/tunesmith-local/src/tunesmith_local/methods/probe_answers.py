"""What a linear probe answers: the text of the most probable label, or all probabilities."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.records import Classification, Generation
from tunesmith.spec import GenerationParams
from tunesmith_local.engine.encoding import EncodedPrompt, decode, encode_answer
from tunesmith_local.engine.mixing import Line, check_lengths
from tunesmith_local.engine.sampling import Decoding
from tunesmith_local.methods.linear_probe import Probe, read_features
from tunesmith_local.model.loading import BaseLM

_HONORED = frozenset(
    {
        "max_new_tokens",
        "truncate_input_tokens",
        "return_options",
        # Greedy decoding reads none of these.
        "temperature",
        "top_k",
        "top_p",
        "random_seed",
        "include_stop_sequence",
    }
)
_WITHOUT_EFFECT = {
    "decoding_method": "greedy",
    "min_new_tokens": 0,
    "repetition_penalty": 1.0,
    "stop_sequences": (),
}


def check_parameters(params: GenerationParams) -> None:
    """Refuse what a classifier that chooses among whole labels cannot honor.

    Raises:
        UnsupportedError: names the parameter.
    """
    for name, value in params.model_copy(update={"return_options": None}).asked().items():
        if name not in _HONORED and value != _WITHOUT_EFFECT.get(name):
            raise UnsupportedError(
                f"generation.{name}: a linear probe says the text of its most probable label and "
                "does not honor it; leave it out"
            )
    options = {key for key, value in (params.return_options or {}).items() if value}
    if not options <= {"input_text"}:
        raise UnsupportedError(
            f"return_options {', '.join(sorted(options - {'input_text'}))}: a linear probe "
            "generates no tokens and honors input_text alone; ask classify for probabilities"
        )


def answer(
    base: BaseLM,
    probe: Probe,
    encoded: Sequence[EncodedPrompt],
    params: GenerationParams | None,
    batch_size: int,
) -> list[Generation]:
    """Say the text of the most probable label of each prompt.

    Tokens are counted as if the base model had said it, the end of text included.

    Raises:
        UnsupportedError: see :func:`check_parameters`.
        PredictionError: a prompt is empty, or does not fit into the model's positions.
    """
    params = params or GenerationParams()
    check_parameters(params)
    texts = list(probe.labels.values())
    shares = _shares(base, probe, encoded, batch_size)
    best = [max(range(len(row)), key=row.__getitem__) for row in shares]
    room = Decoding.of(params).max_new_tokens
    shown = bool((params.return_options or {}).get("input_text"))
    return [
        _generation(base, prompt, texts[place], room, shown=shown)
        for prompt, place in zip(encoded, best, strict=True)
    ]


def classify(
    base: BaseLM,
    probe: Probe,
    encoded: Sequence[EncodedPrompt],
    labels: Sequence[str],
    known: Sequence[str],
    batch_size: int,
) -> list[Classification]:
    """Return the probabilities of ``labels``, normalized over them, in their order.

    A label without training rows has probability 0.

    Args:
        base: the base model.
        probe: the classifier.
        encoded: prompts, after template and cut.
        labels: which are asked for.
        known: the labels that it was tuned for.
        batch_size: rows read at once.

    Raises:
        ExperimentError: one of ``labels`` is none of ``known``.
        PredictionError: as :func:`answer`.
    """
    for label in labels:
        if label not in known:
            raise ExperimentError(
                f"labels: {label!r} is none of {', '.join(known)}; choose of these"
            )
    rows = _shares(base, probe, encoded, batch_size)
    return [_normalized(dict(zip(probe.labels, row, strict=True)), labels) for row in rows]


def _shares(
    base: BaseLM, probe: Probe, encoded: Sequence[EncodedPrompt], batch_size: int
) -> list[list[float]]:
    rows = [prompt.token_ids for prompt in encoded]
    check_lengths(base, [Line(None, row) for row in rows], 0)
    features = read_features(base, rows, probe.pooling, batch_size)
    rows_of_shares: list[list[float]] = probe.probabilities(features).tolist()
    return rows_of_shares


def _normalized(shares: dict[str, float], labels: Sequence[str]) -> Classification:
    asked = {label: shares.get(label, 0.0) for label in labels}
    total, even = sum(asked.values()), 1 / max(1, len(asked))
    return Classification(probabilities={k: v / total if total else even for k, v in asked.items()})


def _generation(
    base: BaseLM, prompt: EncodedPrompt, text: str, room: int, *, shown: bool
) -> Generation:
    tokens = encode_answer(base.tokenizer, text)
    whole = len(tokens) <= room
    said = text if whole else decode(base.tokenizer, list(tokens[:room]))
    return Generation(
        text=prompt.text + said if shown else said,
        prompt=prompt.text,
        input_token_count=len(prompt.token_ids),
        generated_token_count=min(len(tokens), room),
        stop_reason="eos_token" if whole else "max_tokens",
        truncated=prompt.truncated,
    )
