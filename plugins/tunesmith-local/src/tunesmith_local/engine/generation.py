"""Generate text for many prompts; no row's result depends on the others."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch

from tunesmith.errors import ExperimentError
from tunesmith.records import Generation, StopReason, TokenInfo
from tunesmith.spec import GenerationParams, cut_at_stop
from tunesmith_local.engine.constraints import Masks
from tunesmith_local.engine.decoder import start_mixed_decoder
from tunesmith_local.engine.encoding import EncodedPrompt, decode
from tunesmith_local.engine.mixing import Line, check_lengths, line_of, mixed_batches
from tunesmith_local.engine.prefix import Prefix, prefix_of
from tunesmith_local.engine.sampling import Decoding, choose, penalize, row_generators
from tunesmith_local.engine.text_states import Suffix
from tunesmith_local.engine.token_infos import input_token_infos, token_infos
from tunesmith_local.model.loading import BaseLM

GENERATION_PARAMETERS = frozenset(
    {
        "decoding_method",
        "max_new_tokens",
        "min_new_tokens",
        "stop_sequences",
        "temperature",
        "top_k",
        "top_p",
        "repetition_penalty",
        "random_seed",
        "truncate_input_tokens",
        "time_limit",
        "length_penalty",
        "include_stop_sequence",
        "return_options",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "constraint",
    }
)
"""Parameters that :func:`generate` honors."""

RETURN_OPTIONS = frozenset(
    {
        "input_text",
        "generated_tokens",
        "input_tokens",
        "token_logprobs",
        "token_ranks",
        "top_n_tokens",
    }
)
"""The keys of ``return_options`` that it honors."""


@dataclass
class _Row:
    """One text in the making."""

    soft_prompt: Prefix | Suffix | None
    prompt: EncodedPrompt
    ids: list[int] = field(default_factory=list)
    infos: list[TokenInfo] = field(default_factory=list)
    input_infos: tuple[TokenInfo, ...] | None = None
    """The tokens of the prompt, if they are asked for."""
    text: str = ""
    reason: StopReason = "not_finished"

    @property
    def line(self) -> Line:
        """The row as the model reads it."""
        return line_of(self.soft_prompt, self.prompt.token_ids)


def generate(
    base: BaseLM,
    prompt: torch.Tensor | None,
    encoded: Sequence[EncodedPrompt],
    params: GenerationParams | None = None,
    *,
    batch_size: int = 32,
) -> list[Generation]:
    """Generate behind one soft prompt; see :func:`generate_mixed`.

    Args:
        base: the base model.
        prompt: the soft prompt, ``[num_virtual_tokens, hidden_size]``, or None for the bare base.
        encoded: prompts, after template and cut.
        params: how to generate.
        batch_size: rows read at once.
    """
    prefix = None if prompt is None else prefix_of(base, prompt)
    return generate_mixed(base, [(prefix, item) for item in encoded], params, batch_size=batch_size)


def generate_mixed(
    base: BaseLM,
    inputs: Sequence[tuple[Prefix | Suffix | None, EncodedPrompt]],
    params: GenerationParams | None = None,
    *,
    batch_size: int = 32,
) -> list[Generation]:
    """Generate once for each input, each with its own soft prompt, in the caller's order.

    Args:
        base: the base model.
        inputs: a soft prompt, or None for the bare base, and the text after template and cut.
        params: see :class:`~tunesmith.backend.GenerationParams`; greedy and 20 new tokens by
            default. ``time_limit`` counts for each prompt from the start of the call.
        batch_size: rows read at once.

    Raises:
        PredictionError: a prompt is empty, or does not fit into the model's positions.
        UnsupportedError: ``input_tokens`` of a model with an encoder.
        ExperimentError: ``constraint`` cannot be kept, or ``logit_bias`` has an unknown token.
    """
    params = params or GenerationParams()
    decoding = Decoding.of(params)
    _check_bias(base, decoding)
    started = time.monotonic()
    rows = [_Row(prompt, item) for prompt, item in inputs]
    lines = [row.line for row in rows]
    check_lengths(base, lines, decoding.max_new_tokens)
    _read_inputs(base, rows, params)
    for indices, batch in mixed_batches(base, lines, batch_size):
        for _ in _steps(base, [rows[i] for i in indices], batch, decoding, params, started):
            pass  # it fills the rows as it goes
    return [_result(row, params) for row in rows]


def stream(
    base: BaseLM,
    soft_prompt: Prefix | Suffix | None,
    encoded: EncodedPrompt,
    params: GenerationParams | None = None,
) -> Iterator[Generation]:
    """Generate piece by piece; joined, the pieces' texts are the text of :func:`generate`.

    The pieces carry the counts so far; the last one carries the stop reason.

    Tokens of the input come with the first piece.

    Raises:
        TunesmithError: as :func:`generate_mixed`.
    """
    params = params or GenerationParams()
    decoding = Decoding.of(params)
    _check_bias(base, decoding)
    row = _Row(soft_prompt, encoded)
    check_lengths(base, [row.line], decoding.max_new_tokens)
    _read_inputs(base, [row], params)
    sent = ""
    for _ in _steps(base, [row], [row.line], decoding, params, time.monotonic()):
        whole = _result(row, params)
        ready = whole.text if row.reason != "not_finished" else _settled(whole.text, decoding)
        if ready.startswith(sent) and (len(ready) > len(sent) or row.reason != "not_finished"):
            yield whole.model_copy(update={"text": ready[len(sent) :]})
            sent, row.input_infos = ready, None


def _check_bias(base: BaseLM, decoding: Decoding) -> None:
    unknown = [token for token in decoding.logit_bias if not 0 <= token < base.score_count]
    if unknown:
        raise ExperimentError(
            f"generation.logit_bias: no token {unknown[0]}; {base.name!r} has the tokens 0 to "
            f"{base.score_count - 1}"
        )


def _read_inputs(base: BaseLM, rows: Sequence[_Row], params: GenerationParams) -> None:
    options = params.return_options or {}
    if options.get("input_tokens"):
        for row in rows:
            row.input_infos = input_token_infos(
                base, row.soft_prompt, row.prompt.token_ids, options
            )


def _settled(text: str, decoding: Decoding) -> str:
    # Held back: an unfinished character, and what may become a stop sequence that is cut off.
    text = text.rstrip("\ufffd")
    longest = max((len(stop) for stop in decoding.stop_sequences), default=1)
    return text[: len(text) - longest + 1]


@torch.no_grad()
def _steps(
    base: BaseLM,
    rows: Sequence[_Row],
    lines: Sequence[Line],
    decoding: Decoding,
    params: GenerationParams,
    started: float,
) -> Iterator[None]:
    """Add a token to each unfinished row, and yield after each round; ``lines`` are the rows."""
    if not decoding.max_new_tokens:
        for row in rows:
            row.reason = "max_tokens"
        yield
        return
    last = decoding.max_new_tokens - 1
    masks = Masks(base, params.constraint, len(rows)) if params.constraint else None
    generators = row_generators(decoding, [row.prompt.text for row in rows])
    decoder = start_mixed_decoder(base, lines)
    ends = sorted(base.end_ids)
    fed: list[list[int]] = [[] for _ in rows]
    tokens: list[int] = []
    for step in range(decoding.max_new_tokens):
        raw = decoder.next(tokens) if step else decoder.first()
        scores = penalize(raw, fed, decoding, ends)
        tokens = choose(masks.apply(scores) if masks else scores, decoding, generators)
        if masks:
            masks.advance(tokens)
        infos = _token_infos(base, raw, tokens, params)
        for index, row in enumerate(rows):
            # A finished row is fed on, because caches of recurrent layers cannot drop rows.
            fed[index].append(tokens[index])
            if row.reason == "not_finished":
                _append(base, row, tokens[index], infos[index], decoding, started)
                if step == last and row.reason == "not_finished":
                    row.reason = "max_tokens"
        yield
        if all(row.reason != "not_finished" for row in rows):
            return


def _append(
    base: BaseLM,
    row: _Row,
    token: int,
    info: TokenInfo | None,
    decoding: Decoding,
    started: float,
) -> None:
    row.ids.append(token)
    if info is not None:
        row.infos.append(info)
    row.text = decode(base.tokenizer, row.ids)
    if token in base.end_ids:
        row.reason = "eos_token"
    elif len(row.ids) >= decoding.min_new_tokens and _cut_at_stop(row, decoding):
        row.reason = "stop_sequence"
    elif decoding.time_limit and (time.monotonic() - started) * 1000 >= decoding.time_limit:
        row.reason = "time_limit"


def written(base: BaseLM, tokens: Sequence[int], params: GenerationParams) -> str | None:
    """Return the text if the model chooses ``tokens``; None if it cannot, or would go on.

    Time limits are left out. Nothing is generated.
    """
    decoding = replace(Decoding.of(params), time_limit=None)
    row = _Row(None, EncodedPrompt((), "", truncated=False))
    for token in tokens[: decoding.max_new_tokens]:
        if token in base.end_ids and len(row.ids) < decoding.min_new_tokens:
            return None
        _append(base, row, token, None, decoding, 0)
        if row.reason != "not_finished":
            return row.text
    return row.text if len(row.ids) == decoding.max_new_tokens else None


def _cut_at_stop(row: _Row, decoding: Decoding) -> bool:
    cut = cut_at_stop(row.text, decoding.stop_sequences, decoding.include_stop_sequence)
    if cut is None:
        return False
    row.text = cut
    return True


def _token_infos(
    base: BaseLM, scores: torch.Tensor, tokens: Sequence[int], params: GenerationParams
) -> list[TokenInfo | None]:
    options = params.return_options or {}
    if not options.get("generated_tokens"):
        return [None] * len(tokens)
    return [*token_infos(base, scores, tokens, options)]


def _result(row: _Row, params: GenerationParams) -> Generation:
    options = params.return_options or {}
    return Generation(
        text=row.prompt.text + row.text if options.get("input_text") else row.text,
        prompt=row.prompt.text,
        input_token_count=len(row.prompt.token_ids),
        generated_token_count=len(row.ids),
        stop_reason=row.reason,
        truncated=row.prompt.truncated,
        tokens=tuple(row.infos) if options.get("generated_tokens") else None,
        input_tokens=row.input_infos,
    )
