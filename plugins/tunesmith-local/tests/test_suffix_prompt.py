"""A soft prompt behind the text: the text is read once, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from local_models import EXACT, build, check_method, start
from peft import PeftConfig, PeftModel, PromptTuningConfig
from safetensors.torch import load_file
from test_training import PLAN, but, examples

from tunesmith.backends.jobs import JobStopped
from tunesmith.errors import UnsupportedError
from tunesmith.experiment import Experiment
from tunesmith.pipeline.checks import check_submission
from tunesmith.records import Deployment, Row
from tunesmith.spec import GenerationParams
from tunesmith.testing.fake import FakeBackend
from tunesmith_local.backend import LocalBackend
from tunesmith_local.engine.decoder import start_mixed_decoder
from tunesmith_local.engine.encoding import encode_prompt
from tunesmith_local.engine.generation import generate_mixed
from tunesmith_local.engine.mixing import Line, line_of
from tunesmith_local.engine.prefix import Prefix, prefix_of
from tunesmith_local.engine.scoring import Example
from tunesmith_local.engine.self_check import suffix_error
from tunesmith_local.engine.soft_prompt import initial_prompt
from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.engine.suffix_losses import suffix_losses
from tunesmith_local.engine.text_states import Suffix, TextCache, TextReader
from tunesmith_local.errors import AdapterError
from tunesmith_local.methods.adapter import load_tuned, save_tuned
from tunesmith_local.methods.tunable import Tunable
from tunesmith_local.model.loading import BaseLM
from tunesmith_local.options import LocalOptions
from tunesmith_local.training.checkpoint import CheckpointStore
from tunesmith_local.training.training import Training

GetBase = Callable[[str], BaseLM]
CAUSAL = (*(kind for kind in EXACT if kind != "t5"), "hybrid-mamba-bias")
SUFFIX = but(PLAN, prompt_position="suffix")
TEXTS = [f"The dog was {'very ' * n}good." for n in (0, 7, 1, 15, 3)]
AMPLE = 2**30
LABELS = ["yes", "no", "yes, but"]


def text_cache(limit: int = AMPLE) -> TextCache:
    """An empty cache."""
    return StateCache(limit)


def prompt_of(base: BaseLM, length: int = 6, seed: int = 1) -> torch.Tensor:
    """A soft prompt that matters."""
    return initial_prompt(base, "random", length, seed=seed).weights * 6


def rows_of(base: BaseLM) -> list[Example]:
    """Texts and answers of different length; one text is empty and one occurs twice."""
    rows = examples(base, 7)
    return [*rows, Example((), rows[1].answer), Example(rows[3].prompt, rows[1].answer)]


def full_loss(base: BaseLM, prompt: torch.Tensor, row: Example) -> torch.Tensor:
    """The loss of one row in one pass over ``[text][soft prompt][answer]``."""
    text, answer = (base.embeddings(torch.tensor(ids).long()) for ids in (row.prompt, row.answer))
    logits = base.model(inputs_embeds=torch.cat([text, prompt, answer])[None], use_cache=False)
    predicted = logits.logits[0, -len(row.answer) - 1 : -1]
    return torch.nn.functional.cross_entropy(predicted, torch.tensor(row.answer))


def text_bytes(base: BaseLM, rows: list[Example]) -> int:
    """Bytes that the states of all texts take."""
    reader = TextReader(base, text_cache(), alone=True)
    return sum(s.nbytes for s in reader.states(list({row.prompt for row in rows if row.prompt})))


@contextmanager
def tokens_read(base: BaseLM) -> Iterator[list[tuple[str, int]]]:
    """Collect what each forward pass takes and its tokens, padding included."""
    seen: list[tuple[str, int]] = []

    def count(module: object, args: object, given: dict[str, torch.Tensor]) -> None:
        what = "input_ids" if given.get("input_ids") is not None else "inputs_embeds"
        seen.append((what, given[what].shape[:2].numel()))

    hook = base.model.base_model.register_forward_pre_hook(count, with_kwargs=True)
    try:
        yield seen
    finally:
        hook.remove()


@pytest.mark.parametrize("kind", CAUSAL)
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_losses_and_gradients_are_those_of_the_whole_row(
    base_lm: GetBase, kind: str, share: float
) -> None:
    base = base_lm(kind)
    rows = rows_of(base)
    limit = int(share * text_bytes(base, rows))
    prompt = prompt_of(base).requires_grad_()
    expected = torch.stack([full_loss(base, prompt, row) for row in rows])
    (gradient,) = torch.autograd.grad(expected.mean(), prompt)
    cache = text_cache(limit)
    reader = TextReader(base, cache, alone=True)
    for size in (len(rows), 2, 1):  # the later ones find texts that are kept
        cut = [rows[i : i + size] for i in range(0, len(rows), size)]
        losses = torch.cat([suffix_losses(base, prompt, part, reader) for part in cut])
        (found,) = torch.autograd.grad(losses.mean(), prompt)
        torch.testing.assert_close(losses, expected, rtol=1e-5, atol=0)
        assert (found - gradient).norm() <= 1e-5 * gradient.norm()
        assert sum(cache.sizes().values()) <= limit
    assert (reader.not_kept == 0) == (share == 1.0)
    assert reader.kept_bytes == sum(cache.sizes().values())


@pytest.mark.parametrize("kind", CAUSAL)
def test_one_virtual_token_and_an_answer_of_one_token(base_lm: GetBase, kind: str) -> None:
    base = base_lm(kind)
    rows = [Example(row.prompt, row.answer[-1:]) for row in rows_of(base)]
    prompt = prompt_of(base, 1).requires_grad_()
    expected = torch.stack([full_loss(base, prompt, row) for row in rows])
    losses = suffix_losses(base, prompt, rows, TextReader(base, text_cache(), alone=True))
    torch.testing.assert_close(losses, expected, rtol=1e-5, atol=0)
    (gradient,), (found,) = (torch.autograd.grad(x.mean(), prompt) for x in (expected, losses))
    assert (found - gradient).norm() <= 1e-5 * gradient.norm()


@pytest.mark.parametrize("kind", CAUSAL)
def test_rows_are_read_whole_if_no_state_is_exact(base_lm: GetBase, kind: str) -> None:
    base = replace(base_lm(kind), text_exact=False)
    rows = rows_of(base)
    tunable = start(base, SUFFIX, 1, text_cache())
    assert "cannot be kept" in tunable.notes[-1]
    (prompt,) = tunable.parameters.values()
    expected = torch.stack([full_loss(base, prompt, row) for row in rows])
    with tunable.reading(0) as row_losses:
        batches = [rows] if base.padding_exact else [[row] for row in rows]
        losses = torch.cat([row_losses(batch) for batch in batches])
    torch.testing.assert_close(losses, expected, rtol=1e-5, atol=0)
    assert tunable.facts["text_cache_bytes"] == 0


@pytest.mark.parametrize("kind", CAUSAL)
def test_the_self_check_covers_it(base_lm: GetBase, kind: str) -> None:
    assert base_lm(kind).text_exact
    assert suffix_error(base_lm(kind)) < 1e-5


def lines_and_whole(base: BaseLM, cache: TextCache) -> tuple[list[Line], list[Line]]:
    """Every text with prompts before it, behind it and none; the same rows, nothing kept."""
    prompts = [prompt_of(base, n, n) for n in (8, 3)]
    ids = [encode_prompt(base.tokenizer, text).token_ids for text in TEXTS]
    behind = [Suffix(p, TextReader(base, cache, alone=False)) for p in prompts]
    soft = [*behind, prefix_of(base, prompts[0]), None]
    lines = [line_of(one, row) for row in ids for one in soft]
    plain = [replace(x, prefix=x.prefix and Prefix(x.prefix.weights)) for x in lines]
    return lines, plain


def two_steps(base: BaseLM, lines: list[Line]) -> torch.Tensor:
    """Scores of the first two new tokens, ``[rows, 2, vocab]``."""
    with torch.no_grad():
        decoder = start_mixed_decoder(base, lines)
        return torch.stack([decoder.first(), decoder.next([49] * len(lines))], dim=1)


@pytest.mark.parametrize("kind", CAUSAL)
@pytest.mark.parametrize("limit", [0, 9000, AMPLE])
def test_logits_alone_mixed_and_kept_are_equal(base_lm: GetBase, kind: str, limit: int) -> None:
    base, cache = base_lm(kind), text_cache(limit)
    lines, plain = lines_and_whole(base, cache)
    unkept = replace(base, text_exact=False)
    alone = torch.cat([two_steps(unkept, [line]) for line in plain])
    for _ in range(2):
        assert (two_steps(base, lines) - alone).abs().max() <= 1e-5
        assert sum(cache.sizes().values()) <= limit
    assert (alone[:, 0] - alone[0, 0]).abs().amax(-1)[1:].min() > 5e-3  # every row differs


@pytest.mark.parametrize("kind", CAUSAL)
@pytest.mark.parametrize("method", ["greedy", "sample"])
def test_generations_alone_and_mixed_are_equal(base_lm: GetBase, kind: str, method: str) -> None:
    base = base_lm(kind)
    params = GenerationParams(decoding_method=method, random_seed=7, max_new_tokens=8)
    reader = TextReader(base, text_cache(), alone=False)
    behind = [Suffix(prompt_of(base, n, n), reader) for n in (8, 3)]
    texts = [encode_prompt(base.tokenizer, text) for text in [*TEXTS, ""]]
    rows = [(one, text) for text in texts for one in (*behind, prefix_of(base, prompt_of(base)))]
    unkept = replace(base, text_exact=False)
    whole = [(one if isinstance(one, Suffix) else Prefix(one.weights), text) for one, text in rows]
    alone = [generate_mixed(unkept, [row], params)[0] for row in whole]
    for size in (1, 4, 32):
        assert generate_mixed(base, rows, params, batch_size=size) == alone
    assert len({one.text for one in alone}) >= 5


@pytest.mark.parametrize("kind", CAUSAL)
def test_a_second_tuning_of_the_same_texts_reads_none_again(base_lm: GetBase, kind: str) -> None:
    base, cache = base_lm(kind), text_cache()
    rows = examples(base)
    texts = sum(len(text) for text in {row.prompt for row in rows})
    for read_first in (texts, 0):
        with tokens_read(base) as seen:
            Training(start(base, SUFFIX, 1, cache), rows, SUFFIX, validation=rows[:4]).run()
        assert sum(n for what, n in seen if what == "input_ids") == read_first
        virtual = SUFFIX.num_virtual_tokens * SUFFIX.num_epochs * (len(rows) + 4)
        longest = max(len(row.answer) for row in rows)
        behind = sum(n for what, n in seen if what == "inputs_embeds")
        assert virtual < behind < virtual * (1 + longest / SUFFIX.num_virtual_tokens)


def test_a_scan_over_the_bound_keeps_the_first_entries(base_lm: GetBase) -> None:
    base = base_lm("granite")
    rows = [row for row in rows_of(base) if row.prompt]
    texts = list(dict.fromkeys(row.prompt for row in rows))
    cache = text_cache(text_bytes(base, rows) // 2)
    reader = TextReader(base, cache, alone=True)
    reader.states(texts)
    kept = set(cache.sizes())
    assert 0 < len(kept) < len(texts)
    for order in (texts, texts[::-1]):
        with tokens_read(base) as seen:
            reader.states(order)
        assert sorted(n for _, n in seen) == sorted(len(t) for t in texts if (base, t) not in kept)
        assert set(cache.sizes()) == kept


def test_a_later_scan_evicts_entries_that_it_does_not_use(base_lm: GetBase) -> None:
    base = base_lm("granite")
    old, shared, new = (tuple(range(n, n + 5)) for n in (1, 2, 3))
    one = TextReader(base, text_cache(), alone=True).states([old])[0].nbytes
    cache = text_cache(2 * one)
    TextReader(base, cache, alone=True).states([old, shared])
    later = TextReader(base, cache, alone=True)
    for text in (shared, new, old):
        later.states([text])
    assert {text for _, text in cache.sizes()} == {shared, new}
    assert (later.kept_bytes, later.not_kept) == (2 * one, 1)


def test_states_have_their_own_storage_and_rows_the_same_bits(base_lm: GetBase) -> None:
    base, cache = base_lm("granite"), text_cache()
    # Of one length, so that they share a batch.
    texts = [encode_prompt(base.tokenizer, text).token_ids[-8:] for text in TEXTS]
    batched = TextReader(base, cache, alone=False).states(texts)
    for state in batched:
        held = [t for layer in state.cache.layers for t in (layer.keys, layer.values)]
        assert sum(t.untyped_storage().nbytes() for t in held) == state.nbytes
    assert not any(state.read_alone for state in batched)
    # A training never takes a state whose last bits hang on a batch; a call takes any.
    alone = TextReader(base, cache, alone=True).states(texts)
    assert all(state.read_alone for state in alone)
    assert TextReader(base, cache, alone=False).states(texts) == alone


def test_many_threads_share_one_cache(base_lm: GetBase) -> None:
    base = base_lm("granite")
    rows = [row for row in rows_of(base) if row.prompt]
    prompt, limit = prompt_of(base), text_bytes(base, rows) // 2
    cache = text_cache(limit)
    with torch.no_grad():
        expected = torch.stack([full_loss(base, prompt, row) for row in rows])

    def losses(_: int) -> torch.Tensor:
        with torch.no_grad():
            return suffix_losses(base, prompt, rows, TextReader(base, cache, alone=False))

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(losses, range(16)):
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)
    assert sum(cache.sizes().values()) <= limit


@pytest.mark.parametrize("kind", ["granite", "hybrid-mamba"])
def test_a_stopped_training_resumes_bit_for_bit_with_any_cache(
    tmp_path: Path, base_lm: GetBase, kind: str
) -> None:
    base = base_lm(kind)
    rows = examples(base)
    whole = start(base, SUFFIX, 1, text_cache())
    expected = Training(whole, rows, SUFFIX).run()
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == 8  # in the middle of an accumulation

    store = CheckpointStore(tmp_path, "x")
    first = start(base, SUFFIX, 1, text_cache())
    with pytest.raises(JobStopped):
        Training(first, rows, SUFFIX, checkpoints=store, should_stop=stop).run()
    cache = text_cache(text_bytes(base, rows) // 2)
    TextReader(base, cache, alone=False).states([row.prompt for row in rows])
    resumed = start(base, SUFFIX, 1, cache)
    result = Training(resumed, rows, SUFFIX, checkpoints=store).run()
    torch.testing.assert_close(resumed.weights(), whole.weights(), rtol=0, atol=0)
    assert result.curve == expected.curve


def saved(base: BaseLM, folder: Path) -> Tunable:
    """Save a soft prompt behind the text."""
    tunable = start(base, SUFFIX, 1)
    save_tuned(tunable, "say {{input}} =", 40, folder)
    return tunable


def test_plain_peft_refuses_the_files(tmp_path: Path) -> None:
    base = build("granite")
    saved(base, tmp_path / "a")
    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert config == {
        "base_model_name_or_path": "test/granite",
        "num_virtual_tokens": 6,
        "token_dim": 32,
        "peft_type": "SUFFIX_PROMPT_TUNING",
        "task_type": "CAUSAL_LM",
    }
    for read in (PeftConfig.from_pretrained, PromptTuningConfig.from_pretrained):
        with pytest.raises((KeyError, ValueError), match="SUFFIX_PROMPT_TUNING"):
            read(str(tmp_path / "a"))
    with pytest.raises((KeyError, ValueError), match="SUFFIX_PROMPT_TUNING"):
        PeftModel.from_pretrained(base.model, str(tmp_path / "a"))


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_plain_peft_refuses_the_weights_under_another_config(tmp_path: Path) -> None:
    base = build("granite")
    saved(base, tmp_path / "a")
    assert set(load_file(tmp_path / "a" / "adapter_model.safetensors")) == {
        "suffix_prompt_embeddings"
    }
    path = tmp_path / "a" / "adapter_config.json"
    path.write_text(path.read_text().replace("SUFFIX_PROMPT_TUNING", "PROMPT_TUNING"))
    with pytest.raises(KeyError, match="prompt_embeddings"):
        PeftModel.from_pretrained(base.model, str(tmp_path / "a"))
    with pytest.raises(AdapterError, match="suffix_prompt_embeddings"):
        load_tuned(base, tmp_path / "a")


def test_a_suffix_prompt_comes_back_as_it_was(tmp_path: Path, base_lm: GetBase) -> None:
    base = base_lm("granite")
    tunable = saved(base, tmp_path / "a")
    back = load_tuned(base, tmp_path / "a")
    (weights,) = tunable.weights().values()
    assert back.prompt is not None
    assert torch.equal(back.prompt, weights)
    assert back.prompt_position == "suffix"
    assert back.card.template == "say {{input}} ="


def test_an_encoder_does_not_support_it(base_lm: GetBase) -> None:
    with pytest.raises(UnsupportedError, match=r"method\.prompt_position"):
        check_method(base_lm("t5"), SUFFIX)


def experiment(**method: object) -> Experiment:
    """A small experiment, as YAML gives it."""
    settings = {
        "name": "prompt_tuning",
        "prompt_position": "suffix",
        "num_virtual_tokens": 5,
        "num_epochs": 2,
        "learning_rate": 0.5,
        "init_method": "sample_vocab",
        "verbalizer": "say {{input}} =",
        "max_output_tokens": 10,
    }
    values = {"labels": LABELS, "data": {"train": "t.jsonl"}, "method": settings | method}
    return Experiment.from_values(values | {"base_model": "tiny/model"})


TRAIN = [Row(input=text, output=LABELS[i % 3]) for i, text in enumerate(TEXTS)]
PARAMS = GenerationParams(max_new_tokens=6)
Connect = Callable[..., LocalBackend]


@pytest.fixture(params=["granite", "hybrid-mamba"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connect]:
    """Return a function that opens the backend on one store and one tiny base model."""
    base = build(request.param)
    base.model.save_pretrained(tmp_path / "tiny" / "model")
    base.tokenizer.save_pretrained(tmp_path / "tiny" / "model")
    opened: list[LocalBackend] = []

    def open_backend(**options: object) -> LocalBackend:
        given = {"store": tmp_path / "store", "models": tmp_path, "device": "cpu", "offline": True}
        opened.append(LocalBackend(LocalOptions.model_validate(given | options)))
        return opened[-1]

    yield open_backend
    for backend in opened:
        backend.close()


def deployed(backend: LocalBackend, **method: object) -> Deployment:
    """Tune and deploy."""
    model = backend.tuner.tune(experiment(**method), TRAIN)
    return backend.deployer.deploy(model, model.id)


def answers(backend: LocalBackend, targets: list[Deployment]) -> list[object]:
    """The generations, streams and scores of deployments, each computed alone."""
    predictor = backend.predictor
    found: list[object] = []
    for target in targets:
        generated = predictor.generate(target, TEXTS, PARAMS)
        streamed = ["".join(p.text for p in predictor.stream(target, t, PARAMS)) for t in TEXTS]
        assert streamed == [one.text for one in generated]
        scores = predictor.classify(target, TEXTS, LABELS)
        found += generated
        found += [pytest.approx(score.probabilities, abs=1e-5) for score in scores]
    return found


@pytest.mark.parametrize("bound", [0, 0.01, 64])
def test_deployments_answer_the_same_with_any_cache(connect: Connect, bound: float) -> None:
    plain = connect(text_cache_mb=0)
    targets = [
        deployed(plain),
        deployed(plain, num_virtual_tokens=9),
        deployed(plain, prompt_position="prefix"),
    ]
    alone = [plain.predictor.generate(t, [text], PARAMS)[0] for text in TEXTS for t in targets]
    backend = connect(text_cache_mb=bound)
    assert answers(backend, targets) == [
        getattr(one, "expected", one) for one in answers(plain, targets)
    ]
    mixed = backend.predictor.generate_each(
        targets * len(TEXTS), [text for text in TEXTS for _ in targets], PARAMS
    )
    assert mixed == alone
    assert sum(backend.text_cache.sizes().values()) <= bound * 2**20
    assert targets[0].details == {"text_cache": "kept by text, within text_cache_mb"}


def test_several_deployments_read_each_text_once(connect: Connect) -> None:
    backend = connect()
    first, second = deployed(backend), deployed(backend, num_virtual_tokens=5, num_epochs=1)
    base = backend._catalog.load("tiny/model")
    kept = {text for _, text in backend.text_cache.sizes()}
    assert len(kept) == len(TEXTS)  # from the training; the texts and the template are the same
    with tokens_read(base) as seen:
        backend.predictor.classify(first, TEXTS, ["a", "b"])
        backend.predictor.generate_each(
            [first, second] * len(TEXTS), [t for t in TEXTS for _ in range(2)],
            GenerationParams(max_new_tokens=1),
        )  # fmt: skip
    # The soft prompts alone, and the labels behind them, each with the space before it: side by
    # side, and that space once, if attention is full.
    if base.packing_exact:
        assert seen[0] == ("inputs_embeds", (5 + 1 + 2) * len(TEXTS))
    else:
        assert seen[0] == ("inputs_embeds", 5 * len(TEXTS))
        assert seen.pop(1) == ("input_ids", 2 * 2 * len(TEXTS))
    assert seen[1:] == [("inputs_embeds", 5 * 2 * len(TEXTS))]
    details = first.model.details
    assert details["text_cache_bytes"] == sum(backend.text_cache.sizes().values())
    assert details["texts_not_kept"] == 0


def test_the_details_count_the_texts_that_did_not_fit(connect: Connect) -> None:
    details = deployed(connect(text_cache_mb=0)).model.details
    assert (details["text_cache_bytes"], details["texts_not_kept"]) == (0, len(TEXTS))


def test_a_backend_without_it_refuses() -> None:
    backend = FakeBackend()
    base_model = backend.base_models()[0].name
    plan = experiment().model_copy(update={"base_model": base_model})
    with pytest.raises(UnsupportedError, match=r"method\.prompt_position"):
        check_submission(plan, backend, TRAIN)
