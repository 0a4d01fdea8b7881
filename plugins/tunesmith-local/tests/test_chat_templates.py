"""Chat models are asked as chat models: their template is part of the text that is read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from local_models import build
from tokenizers import AddedToken
from tokenizers.processors import TemplateProcessing

from tunesmith.errors import ExperimentError, UnsupportedError
from tunesmith.methods import PromptTuning
from tunesmith.records import Message
from tunesmith_local.model.chat_templates import rendered, template_of
from tunesmith_local.model.loading import BaseLM

LOOP = "{% for m in messages %}"
END_LOOP = "{% endfor %}"
# In the manner of the families that the templates are named after.
TEMPLATES = {
    "smollm2": (
        "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nBe helpful.<|im_end|>\n"
        "{% endif %}" + LOOP + "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n" + END_LOOP
        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        "<|im_start|>system\nBe helpful.<|im_end|>\n<|im_start|>user\nFine? {{input}}<|im_end|>\n"
        "<|im_start|>assistant\n",
    ),
    "granite": (
        LOOP + "<|start_of_role|>{{ m.role }}<|end_of_role|>{{ m.content }}<|end_of_text|>\n"
        + END_LOOP + "{% if add_generation_prompt %}<|start_of_role|>assistant"
        "{% if thinking %} (thinks){% endif %}<|end_of_role|>{% endif %}",
        "<|start_of_role|>user<|end_of_role|>Fine? {{input}}<|end_of_text|>\n"
        "<|start_of_role|>assistant<|end_of_role|>",
    ),
    "llama": (
        "{{ bos_token }}" + LOOP + "<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
        "{{ m.content | trim }}<|eot_id|>" + END_LOOP
        + "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n"
        "{% endif %}",
        "<|start_header_id|>user<|end_header_id|>\n\nFine? {{input}}<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    "qwen": (
        LOOP + "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n" + END_LOOP
        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is defined "
        "and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}",
        "<|im_start|>user\nFine? {{input}}<|im_end|>\n<|im_start|>assistant\n"
        "<think>\n\n</think>\n\n",
    ),
}  # fmt: skip
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}" + LOOP + "<turn>{{ m.content }}" + END_LOOP
)
TWICE = LOOP + "{{ m.content }} I repeat: {{ m.content }}" + END_LOOP


def chatty(template: str | None, *, first: str | None = None) -> BaseLM:
    """Return a model with a chat template; ``first`` is a token that its tokenizer puts first."""
    base = build("granite")
    tok = base.tokenizer
    tok.chat_template = template
    if first:
        tok.add_special_tokens({"bos_token": AddedToken(first, special=True)})
        pair = (first, tok.bos_token_id)
        tok.backend_tokenizer.post_processor = TemplateProcessing(
            single=f"{first} $A", special_tokens=[pair]
        )
    return replace(base, tokenizer=tok)


@pytest.mark.parametrize("family", TEMPLATES)
def test_the_message_is_in_the_chat_template_of_the_model(family: str) -> None:
    template, expected = TEMPLATES[family]
    base = chatty(template, first="<s>" if family == "llama" else None)
    method = PromptTuning(verbalizer="Fine? {{input}}", chat=True)
    assert template_of(base, method) == expected


def test_a_token_that_the_tokenizer_puts_first_is_read_once() -> None:
    base = chatty(TEMPLATES["llama"][0], first="<s>")
    text = rendered(base, [Message(role="user", content="x")])
    ids = base.tokenizer(text)["input_ids"]
    assert ids.count(base.tokenizer.bos_token_id) == 1


def test_auto_takes_the_template_if_there_is_one() -> None:
    template, expected = TEMPLATES["granite"]
    method = PromptTuning(verbalizer="Fine? {{input}}", chat="auto")
    assert template_of(chatty(template), method) == expected
    assert template_of(chatty(None), method) == "Fine? {{input}}"


def test_plain_text_is_the_default() -> None:
    method = PromptTuning(verbalizer="Fine? {{input}}")
    assert template_of(chatty(TEMPLATES["qwen"][0]), method) == "Fine? {{input}}"


def test_a_model_without_a_template_is_no_chat_model() -> None:
    with pytest.raises(UnsupportedError, match=r"method\.chat: .*no chat template"):
        template_of(chatty(None), PromptTuning(chat=True))


def test_a_refused_system_message_names_the_remedy() -> None:
    messages = [Message(role="system", content="s"), Message(role="user", content="x")]
    with pytest.raises(ExperimentError, match=r"System role not supported.*first message of the u"):
        rendered(chatty(NO_SYSTEM), messages)
    assert rendered(chatty(NO_SYSTEM), messages[1:]) == "<turn>x"


def test_a_template_without_a_place_for_the_input_is_refused() -> None:
    with pytest.raises(ExperimentError, match=r"method\.chat: .*set chat: false"):
        template_of(chatty(TWICE), PromptTuning(chat=True))
