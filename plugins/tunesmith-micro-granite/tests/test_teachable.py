"""The second generation of the recipe: vocabulary, embedding, tasks, documents, bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from recipe.architecture import build  # noqa: E402
from recipe.batches import batches  # noqa: E402
from recipe.measure.held_out import held_out_problems  # noqa: E402
from recipe.teachable.episodes import write_document, write_short_document  # noqa: E402
from recipe.teachable.lookup import begin_as_lookup  # noqa: E402
from recipe.teachable.making import make  # noqa: E402
from recipe.teachable.settings import PILOT  # noqa: E402
from recipe.teachable.sources import draw_task  # noqa: E402
from recipe.teachable.table import Table  # noqa: E402
from recipe.teachable.training import embed  # noqa: E402
from recipe.teachable.vocabulary import Vocabulary, read_vocabulary  # noqa: E402
from recipe.teachable.words import PETS, Neighbors, read_intents, read_kinds  # noqa: E402

WORDS = (
    "river", "stone", "bread", "water", "house", "green", "field", "light", "table", "music",
    "north", "winter", "summer", "letter", "window", "garden", "silver", "doctor", "market",
    "bridge", "friend", "animal", "dogs", "horses",
)  # fmt: skip


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the layout of SmolLM2: real words, random vectors."""
    from safetensors.torch import save_file
    from tokenizers import pre_tokenizers

    place = tmp_path_factory.mktemp("words")
    merges = _merges()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *dict.fromkeys(left + right for left, right in merges)]
    model = {"vocab": {token: n for n, token in enumerate(tokens)}, "merges": merges}
    (place / "tokenizer.json").write_text(json.dumps({"model": model}), encoding="utf-8")
    rows = torch.randn(len(tokens), 40, generator=torch.Generator().manual_seed(1))
    save_file({"model.embed_tokens.weight": rows}, place / "model.safetensors")
    return place


def _merges() -> list[list[str]]:
    """Merges that build each word from left to right; the pieces of `Neighbors` are among them."""
    from recipe.teachable.words import PIECES

    found = [["Ġ", "{"], ["é", "é"]]  # the second one is no word, so it is not taken
    for word in (*WORDS, *PIECES):
        found += [["Ġ" + word[:n], word[n]] for n in range(len(word))]
    return [list(pair) for pair in dict.fromkeys(map(tuple, found))]


@pytest.fixture(scope="module")
def vocabulary(words: Path) -> Vocabulary:
    return read_vocabulary(words, PILOT.early_merges)


def _digest(place: Path) -> str:
    return hashlib.sha256((place / "model.safetensors").read_bytes()).hexdigest()


def test_words_are_whole_tokens_and_every_text_comes_back(vocabulary: Vocabulary) -> None:
    tokenizer = vocabulary.tokenizer
    assert tokenizer.convert_ids_to_tokens(tokenizer(" river").input_ids) == ["Ġriver"]
    for text in ("naïve 10/10 €5\n\tend  ", "a river {b}", "éé"):
        assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert "éé" not in tokenizer.get_vocab()


def test_a_word_is_described_by_two_models_with_the_same_weight(vocabulary: Vocabulary) -> None:
    features, tokens = vocabulary.features, vocabulary.tokenizer.get_vocab()
    assert features[:3].tolist() == torch.zeros(3, features.shape[1]).tolist()
    words = features[[tokens["Ġ" + word] for word in WORDS[:18]]]
    assert torch.allclose(words.norm(dim=1), torch.full((18,), 2**0.5), atol=1e-4)
    # SmolLM2's vectors are random here, so the likeness of words comes from the other model.
    angles = words @ words.T
    near, far = (WORDS.index(word) for word in ("summer", "stone"))
    assert angles[WORDS.index("winter"), near] > angles[WORDS.index("winter"), far]


def test_the_embedding_starts_with_the_wanted_size_and_the_places_of_the_words(
    vocabulary: Vocabulary,
) -> None:
    features = vocabulary.features
    table = Table(features, width=features.shape[1], std=0.02)  # so wide that nothing is lost
    rows = table.rows().detach()
    assert rows.std().item() == pytest.approx(0.02, rel=1e-4)
    angles, wanted = (
        torch.nn.functional.cosine_similarity(vectors[3:13], vectors[13:23])
        for vectors in (rows, features)
    )
    assert torch.allclose(angles, wanted, atol=1e-4)


def test_one_gradient_of_the_projection_moves_words_that_were_not_read(
    vocabulary: Vocabulary,
) -> None:
    table = Table(vocabulary.features, width=8, std=0.02)
    before = table.rows().detach().clone()
    table.rows()[5].sum().backward()
    with torch.no_grad():
        table.projection.sub_(table.projection.grad)
    assert not torch.equal(table.rows()[6], before[6])


def test_same_settings_make_the_same_bytes_and_resume(words: Path, tmp_path: Path) -> None:
    make(PILOT, words, tmp_path / "whole")
    make(PILOT, words, tmp_path / "parts")
    (tmp_path / "parts" / "checkpoints" / f"step-{PILOT.steps:06d}.safetensors").unlink()
    tally = make(PILOT, words, tmp_path / "parts")
    assert tally.documents == 2 * PILOT.documents_per_step
    assert _digest(tmp_path / "whole") == _digest(tmp_path / "parts")


def test_the_published_model_loads_and_ties_its_embedding(words: Path, tmp_path: Path) -> None:
    make(dataclasses.replace(PILOT, steps=1), words, tmp_path)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer)
    assert model.lm_head.weight is model.get_input_embeddings().weight


def test_tasks_have_two_to_six_groups_that_write_text(vocabulary: Vocabulary) -> None:
    rng, neighbors = Random(1), Neighbors(vocabulary.tokenizer, vocabulary.features, most=8)
    for _ in range(300):
        task = draw_task(rng, neighbors)
        assert 2 <= len(task.groups) <= 6
        assert all(group.write(rng).strip() for group in task.groups)
        assert len({group.name for group in task.groups}) == len(task.groups)


def test_a_drawn_prompt_holds_each_label_and_words_of_its_group_in_one_vector(
    vocabulary: Vocabulary,
) -> None:
    rng, neighbors = Random(3), Neighbors(vocabulary.tokenizer, vocabulary.features, most=8)
    document = write_short_document(rng, neighbors)
    prompt = [segment for segment in document if segment.blend]
    answers = [segment for segment in document if segment.weight]
    assert len(answers) == 8
    assert {segment.text for segment in answers} <= {segment.text for segment in prompt}
    (batch,) = batches(vocabulary.tokenizer, [document], 4096)
    rows = torch.randn(len(vocabulary.tokenizer), 4, generator=torch.Generator().manual_seed(0))
    label, *words = (
        vocabulary.tokenizer(text)["input_ids"] for text in (prompt[0].text, prompt[0].blend)
    )
    expected = rows[label[0]] + rows[words[0]].sum(0) / len(words[0]) ** 0.5
    assert torch.allclose(embed(rows, batch)[0, 0], expected, atol=1e-6)
    assert batch.virtual[0].sum() == sum(
        len(vocabulary.tokenizer(segment.text)["input_ids"]) for segment in prompt
    )


def test_attention_begins_by_looking_up_what_is_alike() -> None:
    torch.manual_seed(0)
    model = build(PILOT, 40)
    begin_as_lookup(model)
    attention = model.model.layers[0].self_attn
    tokens = torch.randn(6, PILOT.hidden_size)
    shared = PILOT.num_attention_heads // PILOT.num_key_value_heads
    keys = attention.k_proj(tokens).repeat(1, shared)
    scores = attention.q_proj(tokens) @ keys.T
    assert scores.argmax(1).tolist() == list(range(6))
    copied = attention.o_proj(attention.v_proj(tokens).repeat(1, shared))
    assert (torch.nn.functional.cosine_similarity(copied, tokens) > 0).all()


def test_every_document_ends_with_an_answer_that_counts(vocabulary: Vocabulary) -> None:
    rng, neighbors = Random(2), Neighbors(vocabulary.tokenizer, vocabulary.features, most=8)
    for _ in range(300):
        document = write_document(rng, neighbors)
        assert document[-1].ends
        assert document[-1].weight == max(segment.weight for segment in document)


def test_no_kind_of_the_training_is_about_animals(vocabulary: Vocabulary) -> None:
    neighbors = Neighbors(vocabulary.tokenizer, vocabulary.features, most=8)
    things = [thing for kind in read_kinds() for thing in kind.things]
    texts = [text for intent in read_intents() for text in intent.sentences]
    tokens = " ".join((*things, *texts, *neighbors.words)).split()
    assert [token for token in tokens if PETS.search(token)] == []


def test_held_out_problems_share_no_text_with_the_training() -> None:
    known = {thing for kind in read_kinds() for thing in kind.things}
    here = Path(__file__).parents[1] / "recipe" / "measure" / "things.txt"
    assert [t for kind in read_kinds(here) for t in kind.things if t in known] == []
    for problem in held_out_problems():
        assert not {row["input"] for row in problem.train} & {row["input"] for row in problem.test}
        assert {row["output"] for row in problem.test} == set(problem.labels)
