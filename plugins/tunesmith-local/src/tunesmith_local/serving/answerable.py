"""Whether every label can be the answer: its tokens, its end, and the room behind the prompts."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.errors import ExperimentError
from tunesmith.methods import GradientTuning, PromptTuning, VirtualTokens
from tunesmith.pipeline.room import Room, check_room
from tunesmith.records import Reading
from tunesmith.spec import TuningSpec
from tunesmith_local.engine.answers import Answers
from tunesmith_local.engine.encoding import decode, encode_answer, encode_prompt
from tunesmith_local.engine.generation import written
from tunesmith_local.engine.sampling import Decoding
from tunesmith_local.methods.auto_settings import settled
from tunesmith_local.methods.registry import method_of
from tunesmith_local.model.loading import BaseLM


def check_answers(base: BaseLM, spec: TuningSpec, prompts: Sequence[str], answer: Reading) -> None:
    """Refuse labels that cannot be the answer to one of ``prompts``.

    Args:
        base: the base model.
        spec: see :meth:`tunesmith.backend.Predictor.check_answers`.
        prompts: before they are cut.
        answer: the reading. For ``text``, the tokens of each label go through the rule by which a
            generated text ends, and what is left must be the label.

    Raises:
        ExperimentError: names the setting that is in the way, and the remedy.
    """
    encoded = [encode_prompt(base.tokenizer, text) for text in prompts]
    method, labels = spec.method, spec.labels
    if method.tunes:
        answers = method_of(method).answers(base, method, labels, encoded)
    else:
        answers = Answers(base, [labels.surface(name) for name in labels], ended=False)
    # Others, as a linear probe, give the text of a label and generate nothing.
    generates = isinstance(method, GradientTuning) or not method.tunes
    most = Decoding.of(spec.generation).max_new_tokens
    longest = answers.check(encoded)[0] if generates else 0
    for tokens in answers.different(encoded) if answer == "text" else ():
        if generates or max(map(len, tokens)) > most:
            _check_written(base, spec, tokens)
    if generates:
        _check_room(base, spec, [len(prompt.token_ids) for prompt in encoded], answer, longest)


def _check_written(base: BaseLM, spec: TuningSpec, answers: Sequence[tuple[int, ...]]) -> None:
    end = int(base.tokenizer.eos_token_id)
    stops = spec.generation.stop_sequences or ()
    # A text ends with the end of text or with a stop sequence.
    ways = [(end,), *(encode_answer(base.tokenizer, stop) for stop in stops)]
    bare = [tokens[:-1] if tokens[-1:] == (end,) else tokens for tokens in answers]
    for label, tokens in sorted(zip(spec.labels, bare, strict=True), key=lambda it: -len(it[1])):
        texts = [written(base, (*tokens, *way), spec.generation) for way in ways]
        if not any(text is not None and spec.labels.parse(text) == label for text in texts):
            raise ExperimentError(_why_not(base, spec, label, tokens))


def _why_not(base: BaseLM, spec: TuningSpec, label: str, tokens: tuple[int, ...]) -> str:
    decoding, text = Decoding.of(spec.generation), spec.labels.surface(label)
    said = decode(base.tokenizer, list(tokens))
    size = "1 token" if len(tokens) == 1 else f"{len(tokens)} tokens"
    count = f"the label {text!r} is {size} for {spec.base_model!r}"
    if len(tokens) > decoding.max_new_tokens:
        most = f"{decoding.max_new_tokens}"
        most += "" if spec.generation.max_new_tokens is not None else ", its default"
        return f"generation.max_new_tokens is {most}, but {count}; raise it"
    stop = next((stop for stop in decoding.stop_sequences if stop in said), None)
    if stop is not None:
        return (
            f"generation.stop_sequences: {stop!r} is in {said!r}, which is how "
            f"{spec.base_model!r} writes the label {text!r}; leave that sequence out"
        )
    return f"generation.min_new_tokens is {decoding.min_new_tokens}, but {count}; lower it"


def _check_room(
    base: BaseLM, spec: TuningSpec, lengths: Sequence[int], answer: Reading, longest: int
) -> None:
    if base.is_seq2seq or base.max_positions is None:
        return
    room = Room(
        positions=base.max_positions,
        most=Decoding.of(spec.generation).max_new_tokens,
        longest=longest,
        scored=max(0, longest - 1),
        virtual=_virtual_tokens(spec),
    )
    check_room(spec, lengths, answer, room)


def _virtual_tokens(spec: TuningSpec) -> int:
    method = spec.method
    if isinstance(method, PromptTuning):
        method, _ = settled(method, len(spec.labels))
    return method.virtual_tokens if isinstance(method, VirtualTokens) else 0
