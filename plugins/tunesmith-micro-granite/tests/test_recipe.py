"""The recipe: same settings, same bytes; interrupted or not, the same weights."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from random import Random

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from recipe.architecture import build, rescale_embeddings  # noqa: E402
from recipe.batches import Steps, encode  # noqa: E402
from recipe.documents import write_document  # noqa: E402
from recipe.making import make, make_tokenizer  # noqa: E402
from recipe.settings import PILOT  # noqa: E402
from recipe.tokenizer import EOS_ID, PAD_ID  # noqa: E402
from recipe.topics import topic_question  # noqa: E402
from recipe.training import train  # noqa: E402


def _digests(place: Path) -> dict[str, str]:
    files = (place / name for name in ("model.safetensors", "tokenizer.json", "config.json"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_same_settings_make_the_same_bytes(tmp_path: Path) -> None:
    make(PILOT, tmp_path / "one")
    make(PILOT, tmp_path / "two")
    assert _digests(tmp_path / "one") == _digests(tmp_path / "two")


def test_another_seed_makes_other_weights(tmp_path: Path) -> None:
    short = dataclasses.replace(PILOT, steps=1)
    make(short, tmp_path / "one")
    make(dataclasses.replace(short, seed=7), tmp_path / "two")
    one, two = _digests(tmp_path / "one"), _digests(tmp_path / "two")
    assert one["model.safetensors"] != two["model.safetensors"]


def test_the_process_is_as_before_afterwards(tmp_path: Path) -> None:
    make(dataclasses.replace(PILOT, steps=1), tmp_path)
    smallest = torch.tensor([1e-40]) * 1.0
    assert smallest.item() > 0
    assert not torch.are_deterministic_algorithms_enabled()


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    tokenizer = make_tokenizer(PILOT)
    whole, parts = (build(PILOT, len(tokenizer)) for _ in range(2))
    train(whole, tokenizer, PILOT, tmp_path / "whole")
    train(parts, tokenizer, PILOT, tmp_path / "parts")
    (tmp_path / "parts" / f"step-{PILOT.steps:06d}.safetensors").unlink()
    resumed = build(PILOT, len(tokenizer))
    tally = train(resumed, tokenizer, PILOT, tmp_path / "parts")
    assert tally.documents == 2 * PILOT.documents_per_step
    for left, right in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(left, right)


@torch.no_grad()
def test_rescaling_changes_no_logit() -> None:
    model = build(PILOT, PILOT.vocab_size)
    ids = torch.arange(40).reshape(2, 20)
    before = model(ids).logits
    factor = rescale_embeddings(model, PILOT.embedding_std / 4)
    assert factor == 4.0
    assert model.config.embedding_multiplier == 48.0
    assert model.config.logits_scaling == 0.25
    assert torch.equal(model(ids).logits, before)


def test_every_document_ends_with_an_answer() -> None:
    rng = Random(3)
    for _ in range(500):
        document = write_document(rng)
        assert document[-1].ends
        assert document[-1].weight == max(segment.weight for segment in document)
        assert not any(segment.weight for segment in document if segment.virtual)


def test_virtual_places_are_as_many_as_asked() -> None:
    tokenizer, rng = make_tokenizer(PILOT), Random(4)
    documents = [write_document(rng) for _ in range(200)]
    rows = encode(tokenizer, documents)
    wanted = [sum(segment.virtual for segment in document) for document in documents]
    assert any(wanted)
    assert [sum(row.virtual) for row in rows] == wanted


def test_padding_never_enters_the_loss() -> None:
    batches = Steps(PILOT, make_tokenizer(PILOT))[0]
    for batch in batches:
        assert not batch.weights[batch.ids == PAD_ID].any()
        assert (batch.ids == EOS_ID).any(dim=1).all()


def test_the_right_option_is_listed_in_its_question() -> None:
    from recipe.grammar import sample_review

    rng = Random(5)
    for _ in range(300):
        question, answer, _ = topic_question(rng, sample_review(rng), "review")
        assert answer in question


def test_no_document_is_about_the_domain_that_is_held_out() -> None:
    rng = Random(6)
    text = " ".join(s.text.lower() for _ in range(3000) for s in write_document(rng))
    words = set(text.replace(".", " ").replace(",", " ").split())
    assert not words & {"dog", "dogs", "groomer", "groomers", "grooming", "puppy", "pet", "pets"}
