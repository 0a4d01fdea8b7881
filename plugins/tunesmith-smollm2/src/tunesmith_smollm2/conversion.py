"""Converts the GGUF file to a folder that `from_pretrained` reads."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from logging import ERROR
from pathlib import Path
from typing import Any

from tunesmith.errors import NotFoundError, PluginError


def convert(source: Path, target: Path) -> None:
    """Convert the GGUF file ``source`` to the folder ``target``, in bfloat16.

    Raises:
        PluginError: the package ``gguf`` is not installed.
        NotFoundError: ``source`` lacks a tensor of the model.
    """
    if importlib.util.find_spec("gguf") is None:
        raise PluginError(
            f"{source.name} is read by the package gguf, which is not installed; "
            "install it with: pip install gguf"
        )
    with _quiet():
        _write_tokenizer(source, target)
        _write_model(source, target)


def _write_model(source: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    # With output_loading_info it returns a pair, but its annotation names a model only.
    reader: Any = AutoModelForCausalLM.from_pretrained
    read, found = reader(
        source.parent, gguf_file=source.name, dtype=torch.bfloat16, output_loading_info=True
    )
    if found["missing_keys"]:
        raise NotFoundError(f"{source}: tensors are missing: {sorted(found['missing_keys'])}")
    settings = read.config.to_dict()
    settings.pop("quantization_config", None)  # with it, the model could not be saved
    settings.pop("_name_or_path", None)
    with torch.device("meta"):  # no memory, and no random weights to be thrown away
        model = LlamaForCausalLM(LlamaConfig(**settings))
    model.load_state_dict(read.state_dict(), assign=True)
    model.tie_weights()
    model.save_pretrained(target)


def _write_tokenizer(source: Path, target: Path) -> None:
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    # The file's pre-tokenizer "smollm" splits digits, then as GPT-2. transformers takes GPT-2's.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.save_pretrained(target)


@contextmanager
def _quiet() -> Iterator[None]:
    from transformers.utils import logging

    # The progress bar of the GGUF reader is made by tqdm; no setting of transformers hides it.
    level = logging.get_verbosity()
    logging.set_verbosity(ERROR)
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        logging.set_verbosity(level)
