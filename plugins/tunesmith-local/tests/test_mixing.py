"""Rows of many prompts in one batch: cached equals uncached, alone equals mixed equals shuffled."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import pytest
import torch
from local_models import EXACT, build

from tunesmith.errors import PredictionError
from tunesmith.spec import GenerationParams
from tunesmith_local.engine.decoder import branching, start_mixed_decoder
from tunesmith_local.engine.encoding import encode_answer, encode_prefix_ids, encode_prompt
from tunesmith_local.engine.generation import generate_mixed
from tunesmith_local.engine.label_scores import label_log_probs
from tunesmith_local.engine.mixing import Line, check_lengths, lay_out_mixed, line_of, mixed_batches
from tunesmith_local.engine.prefix import Prefix, prefix_of
from tunesmith_local.engine.scoring import Example, answer_log_probs
from tunesmith_local.engine.self_check import (
    kept_lines,
    packing_error,
    plain_gradient,
    read_alone,
    state_error,
)
from tunesmith_local.engine.shared_prefix import families, trie_nodes
from tunesmith_local.engine.soft_prompt import initial_prompt
from tunesmith_local.model.loading import BaseLM

GetBase = Callable[[str], BaseLM]
ALL = (*EXACT, "hybrid-mamba-bias")
CACHED = tuple(kind for kind in ALL if kind != "t5")
RECURRENT = ("hybrid-mamba", "hybrid-mamba-bias")
TEXTS = [f"The dog was {'very ' * n}good." for n in (0, 7, 1, 15, 3)]
LENGTHS = (8, 3, 20)
GREEDY = GenerationParams(max_new_tokens=10)
SAMPLED = GenerationParams(decoding_method="sample", random_seed=7, temperature=1.5, top_p=0.95)
LABELS = ["yes", "no", "yes, but", "yes, and", "n", ""]
"""Several tokens, shared prefixes, one that begins another, and an empty one."""


def prompts_of(base: BaseLM) -> list[torch.Tensor]:
    """Soft prompts of different lengths that matter."""
    return [initial_prompt(base, "random", n, seed=n).weights * 6 for n in LENGTHS]


def cached_lines(base: BaseLM) -> list[Line]:
    """Every text behind every prompt and behind none, in a seeded order."""
    prefixes = [*(prefix_of(base, prompt) for prompt in prompts_of(base)), None]
    ids = [encode_prompt(base.tokenizer, text).token_ids for text in TEXTS]
    lines = [Line(prefix, row) for row in ids for prefix in prefixes]
    random.Random(0).shuffle(lines)
    return lines


def exact(base_lm: GetBase, kind: str) -> BaseLM:
    """The base model of a test of logits.

    T5 does not scale its attention, and six times its weights make float32 alone differ from
    float64 by 4e-4; the comparison is made in float64 there.
    """
    base = base_lm(kind) if kind != "t5" else build(kind)
    if kind == "t5":
        base.model.double()
    return base


def plain(line: Line) -> Line:
    """The same row, whose prompt is read with its text."""
    return replace(line, prefix=line.prefix and Prefix(line.prefix.weights))


def two_steps(base: BaseLM, lines: list[Line]) -> torch.Tensor:
    """Scores of the first two new tokens, ``[rows, 2, vocab]``."""
    with torch.no_grad():
        decoder = start_mixed_decoder(base, lines)
        return torch.stack([decoder.first(), decoder.next([49] * len(lines))], dim=1)


@pytest.mark.parametrize("kind", ALL)
def test_the_self_check_finds_whether_a_state_can_be_cached(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    assert base.state_exact == (kind in CACHED)
    if base.state_exact:
        assert state_error(base, read_alone(base), kept_lines(base)) < 1e-5


@pytest.mark.parametrize("kind", ALL)
def test_logits_mixed_and_cached_equal_those_alone_and_read_whole(
    base_lm: GetBase, kind: str
) -> None:
    base = exact(base_lm, kind)
    lines = cached_lines(base)
    if not base.state_exact:
        assert all(line.prefix is None or line.prefix.state is None for line in lines)
    alone = torch.cat([two_steps(base, [plain(line)]) for line in lines])
    together = two_steps(base, lines)
    assert (together - alone).abs().max() <= 1e-5
    assert (alone[:, 0] - alone[0, 0]).abs().amax(-1)[1:].min() > 5e-3  # every row differs


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("params", [GREEDY, SAMPLED])
def test_generations_alone_mixed_and_shuffled_are_equal(
    base_lm: GetBase, kind: str, params: GenerationParams
) -> None:
    base = base_lm(kind)
    prefixes = [*(prefix_of(base, prompt) for prompt in prompts_of(base)), None]
    whole = [prefix and Prefix(prefix.weights) for prefix in prefixes]
    texts = [encode_prompt(base.tokenizer, text) for text in TEXTS]
    rows = [(prefix, text) for text in texts for prefix in prefixes]
    uncached = [(prefix, text) for text in texts for prefix in whole]
    alone = [generate_mixed(base, [row], params)[0] for row in uncached]
    for size in (3, 32):
        assert generate_mixed(base, rows, params, batch_size=size) == alone
    order = random.Random(1).sample(range(len(rows)), len(rows))
    shuffled = generate_mixed(base, [rows[i] for i in order], params)
    assert shuffled == [alone[i] for i in order]


@pytest.mark.parametrize("kind", ALL)
def test_the_prefix_ids_of_a_template_are_read_with_the_prompt(base_lm: GetBase, kind: str) -> None:
    base, template = exact(base_lm, kind), "What of di{{input}}?"
    prefix_ids = encode_prefix_ids(base.tokenizer, template)
    prefixes = [prefix_of(base, prompt, prefix_ids) for prompt in prompts_of(base)]
    texts = ["", "sc", "ce", "nner", "a longer text", "r"]
    ids = [encode_prompt(base.tokenizer, text, template=template).token_ids for text in texts]
    merged = [row[: len(prefix_ids)] != prefix_ids for row in ids]
    assert merged == [text == "nner" for text in texts]  # "in" is one token
    rows = [(prefix, row) for row in ids for prefix in prefixes]
    alone = torch.cat([two_steps(base, [Line(Prefix(p.weights), row)]) for p, row in rows])
    lines = [line_of(prefix, row) for prefix, row in rows]
    assert [line.length for line in lines] == [len(p) + len(row) for p, row in rows]
    for size in (1, 4, 32):
        for indices, batch in mixed_batches(base, lines, size):
            assert (two_steps(base, batch) - alone[indices]).abs().max() <= 1e-5
            kept = base.state_exact and not merged[indices[0] // len(prefixes)]
            longest = max(len(rows[i][1]) for i in indices) - len(prefix_ids) * kept
            assert max(len(line.token_ids) for line in batch) == longest


@pytest.mark.parametrize("kind", CACHED)
def test_a_shared_prefix_behind_one_prompt_is_read_once(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    prefix = prefix_of(base, prompts_of(base)[0])
    rows = [encode_prompt(base.tokenizer, text).token_ids for text in (*TEXTS, "The dog was ")]
    lines = [Line(prefix, row) for row in rows]
    common = len(rows[-1]) - 1  # the last token of the shortest is left to be read
    batches = list(mixed_batches(base, lines, 3))
    read = [len(line.token_ids) for _, batch in batches for line in batch]
    assert max(read) == max(map(len, rows)) - common
    for indices, batch in batches:
        alone = torch.cat([two_steps(base, [plain(lines[i])]) for i in indices])
        assert (two_steps(base, batch) - alone).abs().max() <= 1e-5
    assert prefix.state is not None
    assert prefix.state.length == LENGTHS[0]


@pytest.mark.parametrize("kind", CACHED)
def test_questions_about_one_text_read_it_once(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    asked = ("Is it good?", "Who was it?", "Is it a complaint?")
    states = (
        "The dog was very good, and the cat was not. ",
        "A day with a cat, said the groomer. ",
    )
    texts = [f"{state * 3}{question}" for question in asked for state in states]
    rows = [encode_prompt(base.tokenizer, text).token_ids for text in (*texts, "A short one")]
    lines = [Line(None, row) for row in rows]
    read = []
    for indices, batch in mixed_batches(base, lines, 32):
        alone = torch.cat([two_steps(base, [lines[i]]) for i in indices])
        assert (two_steps(base, batch) - alone).abs().max() <= 1e-5
        assert len({line.prefix for line in batch}) == 1  # one copy of the state
        read += [len(line.token_ids) for line in batch]
    assert len(read) == len(rows)
    longest = max(map(len, rows))
    assert max(read) < longest / 2 if base.text_exact else max(read) == longest


def test_rows_of_one_family_begin_alike() -> None:
    rows = [(1, 2, 3, 4, 5), (7,), (1, 2, 3, 4, 6, 7), (1, 8, 8), (1, 2, 3)]
    assert families(rows) == [[4, 0, 2], [3], [1]]
    assert families([]) == []


@pytest.mark.parametrize("kind", CACHED)
def test_a_length_that_only_the_bare_model_has(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    prefixed = [line for line in cached_lines(base) if line.prefix]
    lines = [*prefixed[:3], Line(None, (70, 71, 72)), Line(None, (70, 71, 73))]
    alone = torch.cat([two_steps(base, [plain(line)]) for line in lines])
    assert (two_steps(base, lines) - alone).abs().max() <= 1e-5


@pytest.mark.parametrize("kind", CACHED)
def test_a_batch_never_changes_a_kept_state(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    lines = cached_lines(base)
    first = two_steps(base, lines)
    short = [replace(line, token_ids=line.token_ids[:1]) for line in lines]
    two_steps(base, short)  # a text of one token makes Mamba write in place
    two_steps(base, [line for line in lines if line.prefix is lines[0].prefix])
    assert torch.equal(two_steps(base, lines), first)


@pytest.mark.parametrize("kind", ALL)
def test_an_empty_text_is_read_with_its_prompt(base_lm: GetBase, kind: str) -> None:
    base = exact(base_lm, kind)
    rows = [(line.prefix, line.token_ids) for line in cached_lines(base) if line.prefix]
    lines = [Line(prefix, ids) for prefix, ids in [*rows, (rows[0][0], ())]]
    batches = list(mixed_batches(base, lines, 64))
    assert sorted(i for indices, _ in batches for i in indices) == list(range(len(lines)))
    for indices, batch in batches:
        alone = torch.cat([two_steps(base, [plain(lines[i])]) for i in indices])
        assert (two_steps(base, batch) - alone).abs().max() <= 1e-5


@pytest.mark.parametrize("kind", CACHED)
def test_rows_behind_kept_states_read_their_text_alone(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    lines = cached_lines(base)
    assert sorted(chain(*(i for i, _ in mixed_batches(base, lines, 99)))) == [*range(len(lines))]
    parts = lay_out_mixed(base, lines)
    assert sorted(row for part in parts for row in part.rows) == list(range(len(lines)))
    lengths = {len(line.token_ids) for line in lines}
    assert len(parts) == (len(lengths) if kind in RECURRENT else 1)
    for part in parts:
        longest = max(len(lines[row].token_ids) for row in part.rows)
        assert part.batch.inputs_embeds.shape[1] == longest
        assert part.batch.attention_mask.shape[1] <= longest + max(LENGTHS)


@pytest.mark.parametrize("kind", ALL)
def test_label_scores_equal_those_of_each_label_read_alone(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    answers = [encode_answer(base.tokenizer, label) for label in LABELS]
    assert {len(answer) for answer in answers} >= {1, 2, 3, 4}
    lines = cached_lines(base)
    for batch, rows in mixed_batches(base, lines, 64):
        scores = label_log_probs(start_mixed_decoder(base, rows), len(rows), answers)
        slow = torch.tensor([[slowly(base, lines[i], a) for a in answers] for i in batch])
        torch.testing.assert_close(scores.softmax(-1), slow.softmax(-1), rtol=0, atol=1e-5)
        torch.testing.assert_close(scores, slow, rtol=1e-5, atol=1e-4)


def slowly(base: BaseLM, line: Line, answer: tuple[int, ...]) -> float:
    """The log-probability of one answer by a separate forward pass over prompt and text."""
    prompt = None if line.prefix is None else line.prefix.weights
    alone = replace(base, prefix_exact=False)
    with torch.no_grad():
        log_probs, _ = answer_log_probs(alone, prompt, [Example(line.token_ids, answer)])
    return float(log_probs.sum())


@pytest.mark.parametrize("kind", ALL)
def test_labels_are_packed_side_by_side_if_attention_is_full(base_lm: GetBase, kind: str) -> None:
    base, full = base_lm(kind), kind in CACHED and kind not in RECURRENT
    assert base.packing_exact == full
    if full:
        assert packing_error(base, read_alone(base), plain_gradient(base)) < 1e-5


def test_a_text_and_all_labels_are_one_pass(base_lm: GetBase) -> None:
    base, passes = base_lm("granite"), []
    answers = [encode_answer(base.tokenizer, label) for label in LABELS]
    hook = base.model.register_forward_hook(lambda *_: passes.append(1))
    lines = cached_lines(base)[:4]
    try:
        label_log_probs(start_mixed_decoder(base, lines), len(lines), answers)
    finally:
        hook.remove()
    assert len(passes) == 1


def test_a_path_attends_to_the_text_and_to_itself() -> None:
    seen = torch.tensor(
        [[1, 1, 1], [1, 0, 1]]
    )  # one token before, two of text, one of them padding
    first, second = branching(seen, 2, [[0], [1, 2]])[:, 0].int().tolist()
    assert first == [
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 0, 1, 0],
        [1, 1, 1, 0, 1, 1],
    ]
    assert second[1:] == [[1, 0, *row[2:]] for row in first[1:]]
    read_before = branching(seen, 0, [[0], [1, 2]])[:, 0].int().tolist()
    assert read_before == [first[2:], [[*row[:1], 0, *row[2:]] for row in second[2:]]]


def test_paths_that_begin_alike_share_their_first_tokens() -> None:
    (mask,) = branching(torch.ones(1, 1), 0, trie_nodes([[7, 8, 9], [7, 8, 5], [6]]))[:, 0].int()
    assert mask.tolist() == [
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 0, 1, 0],
        [1, 0, 0, 0, 0, 1],
    ]


def test_many_labels_are_scored_a_few_at_a_time(
    base_lm: GetBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_lm("granite")
    answers = [encode_answer(base.tokenizer, label) for label in LABELS]
    lines = cached_lines(base)[:4]
    whole = label_log_probs(start_mixed_decoder(base, lines), len(lines), answers)
    monkeypatch.setattr("tunesmith_local.engine.label_scores._LINES", 1)
    monkeypatch.setattr("tunesmith_local.engine.label_scores._BRANCHES", 1)
    parts = label_log_probs(start_mixed_decoder(base, lines), len(lines), answers)
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-5)


def test_rows_that_cannot_be_read_are_refused(base_lm: GetBase) -> None:
    base = base_lm("granite")
    with pytest.raises(PredictionError, match="input 1 is empty"):
        check_lengths(base, [Line(None, (1,)), Line(None, ())], 1)
    prefix = Prefix(torch.zeros(500, base.hidden_size))
    check_lengths(base, [Line(prefix, (1, 2))], 10)
    with pytest.raises(PredictionError, match="2 tokens, 500 virtual tokens and 11 new tokens"):
        check_lengths(base, [Line(prefix, (1, 2))], 11)
