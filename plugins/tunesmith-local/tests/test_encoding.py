"""Template, cut and answer."""

from __future__ import annotations

import pytest
from local_models import build, tokenizer

from tunesmith.errors import ExperimentError
from tunesmith_local.engine.encoding import decode, encode_answer, encode_prefix_ids, encode_prompt

TEMPLATE = "classify {0, 1} {{input}} ="


def test_only_the_placeholder_is_replaced() -> None:
    result = encode_prompt(tokenizer(), "a {{input}} b", template=TEMPLATE)
    assert result.text == "classify {0, 1} a {{input}} b ="
    assert decode(tokenizer(), list(result.token_ids)) == result.text
    assert not result.truncated


@pytest.mark.parametrize("text", ["good dog", "inininin in", "größe 犬 🐕 fine", "  spaced  "])
@pytest.mark.parametrize("spare", range(1, 12))
def test_a_long_input_loses_its_left_end_and_the_template_stays(text: str, spare: int) -> None:
    tok = tokenizer()
    template_tokens = len(encode_prompt(tok, "", template=TEMPLATE).token_ids)
    result = encode_prompt(tok, text, template=TEMPLATE, max_tokens=template_tokens + spare)
    assert len(result.token_ids) <= template_tokens + spare
    before, _, after = TEMPLATE.partition("{{input}}")
    assert result.text.startswith(before)
    assert result.text.endswith(after)
    kept = result.text[len(before) : len(result.text) - len(after)]
    assert text.endswith(kept)
    assert result.truncated == (kept != text)
    longer = text[len(text) - len(kept) - 1 :]
    if result.truncated:
        # Nothing was cut without need.
        full = encode_prompt(tok, longer, template=TEMPLATE)
        assert len(full.token_ids) > template_tokens + spare


def test_the_input_is_cut_away_wholly_before_the_template_is_touched() -> None:
    tok = tokenizer()
    template_tokens = len(encode_prompt(tok, "", template=TEMPLATE).token_ids)
    result = encode_prompt(tok, "犬犬", template=TEMPLATE, max_tokens=template_tokens)
    assert result.text == TEMPLATE.replace("{{input}}", "")


def test_a_template_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ExperimentError, match=r"max_input_tokens is 5.*alone has"):
        encode_prompt(tokenizer(), "x", template=TEMPLATE, max_tokens=5)


def test_a_template_without_placeholder_is_an_error() -> None:
    with pytest.raises(ExperimentError, match="has no"):
        encode_prompt(tokenizer(), "x", template="classify {input}")


@pytest.mark.parametrize("text", ["", "good dog", "(sic)", "犬", "  spaced", "{{input}}"])
def test_texts_begin_as_their_template_does(text: str) -> None:
    prefix_ids = encode_prefix_ids(tokenizer(), TEMPLATE)
    assert decode(tokenizer(), list(prefix_ids)) == "classify {0, 1} "
    ids = encode_prompt(tokenizer(), text, template=TEMPLATE).token_ids
    assert ids[: len(prefix_ids)] == prefix_ids


def test_a_text_alone_has_no_prefix_ids() -> None:
    assert encode_prefix_ids(tokenizer(), "{{input}} =") == ()


def test_special_tokens_survive_the_cut() -> None:
    base = build("t5")
    tok = base.tokenizer
    tok.backend_tokenizer.post_processor = _ends_with(tok.eos_token, tok.eos_token_id)
    result = encode_prompt(tok, "abcdef", max_tokens=4)
    assert result.text == "def"
    assert result.token_ids[-1] == tok.eos_token_id


def _ends_with(token: str, token_id: int) -> object:
    from tokenizers.processors import TemplateProcessing

    return TemplateProcessing(single=f"$A {token}", special_tokens=[(token, token_id)])


@pytest.mark.parametrize("label", ["0", "1", "very good", "größe"])
def test_an_answer_ends_and_decodes_exactly(label: str) -> None:
    tok = tokenizer()
    ids = encode_answer(tok, label)
    assert ids[-1] == tok.eos_token_id
    assert decode(tok, list(ids)) == label
