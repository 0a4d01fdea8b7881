"""The tokens of an answer: those with which it continues the prompt."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from local_models import END, build
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from tunesmith.errors import ExperimentError
from tunesmith_local.engine.answers import Answers
from tunesmith_local.engine.encoding import EncodedPrompt, decode, encode_answer, encode_prompt
from tunesmith_local.model.loading import BaseLM

LABELS = ("yes", "no")
TURN = "<turn>"


def words() -> PreTrainedTokenizerBase:
    """Return a byte-level tokenizer that merges a space with the word after it, as GPT-2's does."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Ġ", "y"), ("Ġy", "e"), ("Ġye", "s"), ("Ġ", "n"), ("Ġn", "o")]
    symbols = [*alphabet, END, "<pad>", *("".join(pair) for pair in merges), TURN]
    core = Tokenizer(models.BPE({s: i for i, s in enumerate(symbols)}, merges))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(TURN, special=True)])
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token=END, pad_token="<pad>")


@pytest.fixture(scope="module")
def base() -> BaseLM:
    return replace(build("granite"), tokenizer=words())


def spelled(base: BaseLM, text: str, *labels: str, ended: bool = False) -> tuple[str, list[str]]:
    """Return the prompt and each answer as their tokens spell them, END included."""
    answers = Answers(base, labels or LABELS, ended=ended)
    found = answers.behind(encode_prompt(base.tokenizer, text))
    read = [base.tokenizer.decode(list(ids)) for ids in (found.prompt, *found.answers)]
    return read[0], read[1:]


def test_behind_a_word_an_answer_begins_with_a_space(base: BaseLM) -> None:
    assert spelled(base, "Fine?\nAnswer:") == ("Fine?\nAnswer:", [" yes", " no"])


@pytest.mark.parametrize("end", ["\n", "\n\n", TURN])
def test_behind_white_space_or_a_special_token_it_does_not(base: BaseLM, end: str) -> None:
    text = f"Fine?\nAnswer:{end}"
    assert spelled(base, text) == (text, ["yes", "no"])


def test_a_last_space_is_read_with_the_answer(base: BaseLM) -> None:
    prompt, answers = spelled(base, "Fine? Answer: ")
    assert (prompt, answers) == ("Fine? Answer:", [" yes", " no"])


@pytest.mark.parametrize(
    "text", ["Answer:", "Answer: ", "Answer:\n", "Is it good", "(", "犬", "a\t"]
)
@pytest.mark.parametrize("label", LABELS)
def test_prompt_and_answer_are_the_tokens_of_the_whole_text(
    base: BaseLM, text: str, label: str
) -> None:
    found = Answers(base, LABELS, ended=False).behind(encode_prompt(base.tokenizer, text))
    joint = "" if text[-1].isspace() else " "
    whole = base.tokenizer(text + joint + label)["input_ids"]
    assert [*found.prompt, *found.answers[LABELS.index(label)]] == whole


def test_the_end_counts_if_the_model_was_tuned_to_write_it(base: BaseLM) -> None:
    assert spelled(base, "A:", ended=True)[1] == [f" yes{END}", f" no{END}"]


def test_or_if_one_answer_begins_another(base: BaseLM) -> None:
    assert spelled(base, "A:", "1", "10", "2")[1] == [f" 1{END}", f" 10{END}", f" 2{END}"]
    assert spelled(base, "A:", "1", "20", "3")[1] == [" 1", " 20", " 3"]


def test_a_single_space_is_kept(base: BaseLM) -> None:
    assert spelled(base, " ")[0] == " "


def test_an_encoder_reads_the_prompt_and_the_answer_begins_anew() -> None:
    t5 = build("t5")
    found = Answers(t5, LABELS, ended=True).behind(encode_prompt(t5.tokenizer, "A:"))
    assert found.answers == tuple(encode_answer(t5.tokenizer, label) for label in LABELS)


def test_answers_of_old_cards_are_tokenized_separately(base: BaseLM) -> None:
    prompt = encode_prompt(base.tokenizer, "A: ")
    found = Answers(base, LABELS, ended=True, rule="apart").behind(prompt)
    assert found.prompt == prompt.token_ids
    assert found.answers == tuple(encode_answer(base.tokenizer, label) for label in LABELS)


class TestRefused:
    """A label that the model could not write is refused, with the remedy."""

    def lossy(self, *lost: str) -> BaseLM:
        """Return a model whose tokenizer has no token for some characters."""
        alphabet = [c for c in "abcdefghijklmnopqrstuvwxyz :\n" if c not in lost]
        vocab = {s: i for i, s in enumerate([*alphabet, END, "?"])}
        core = Tokenizer(models.BPE(vocab, [], unk_token="?"))
        core.decoder = decoders.Fuse()
        tok = PreTrainedTokenizerFast(tokenizer_object=core, eos_token=END, pad_token=END)
        return replace(build("granite"), tokenizer=tok)

    def check(self, base: BaseLM, text: str, *labels: str) -> None:
        Answers(base, labels, ended=False).check([encode_prompt(base.tokenizer, text)])

    def test_that_does_not_come_back(self) -> None:
        with pytest.raises(ExperimentError, match=r"labels: .*gives 'yes' back as 'y\?s'; use ano"):
            self.check(self.lossy("e"), "a\n", "yes", "no")

    def test_that_has_no_word_initial_form(self) -> None:
        with pytest.raises(ExperimentError, match=r"'yes' has no word-initial.*line break"):
            self.check(self.lossy(" "), "a:", "yes", "no")
        self.check(self.lossy(" "), "a\n", "yes", "no")

    def test_with_the_tokens_of_another(self, base: BaseLM) -> None:
        answers = Answers(base, ("no", "yes"), ended=False)
        answers.texts = ("no", "no")
        with pytest.raises(ExperimentError, match="cannot tell"):
            answers._check_distinct(((1,), (1,)))


def test_a_prompt_without_tokens_has_answers(base: BaseLM) -> None:
    found = Answers(base, LABELS, ended=True).behind(EncodedPrompt((), "", False))
    assert [decode(base.tokenizer, list(ids)) for ids in found.answers] == ["yes", "no"]


@torch.no_grad()
def test_a_score_equals_that_of_a_plain_forward_pass_over_the_whole_text() -> None:
    from tunesmith_local.engine.answerer import LanguageModelAnswerer

    base = build("granite")
    texts = ["Good? Answer:", "Good? Answer:\n", "a longer text. Answer:"]
    found = LanguageModelAnswerer(base=base).log_probs(texts, ("yes", "so so", "in"), 8)
    for row, text in enumerate(texts):
        for place, label in enumerate(("yes", "so so", "in")):
            joint = "" if text.endswith("\n") else " "
            ids = base.tokenizer(text + joint + label, return_tensors="pt")["input_ids"]
            read = len(base.tokenizer(text)["input_ids"])
            scores = base.model(input_ids=ids).logits.log_softmax(-1)[0]
            expected = sum(float(scores[i - 1, ids[0, i]]) for i in range(read, ids.shape[1]))
            assert float(found[row, place]) == pytest.approx(expected, abs=1e-4)
