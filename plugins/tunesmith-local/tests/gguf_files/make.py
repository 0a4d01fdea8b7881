"""Makes the GGUF files beside it with llama.cpp's own converter; see README.md.

python make.py LLAMA_CPP
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), sys.argv[1], f"{sys.argv[1]}/gguf-py"]

import convert_hf_to_gguf  # noqa: E402
from conversion.base import TextModel  # noqa: E402
from gguf_models import MAKERS, original, tokenizer  # noqa: E402

# The converter recognizes a tokenizer by a hash of what it makes of one text, and these tiny ones
# are on no list. They split as Granite's do, so they get the name that Granite's have.
TextModel.get_vocab_base_pre = lambda self, tokenizer: "refact"


# The converter reads the names of layers that the configurations on the hub have.
LAYERS = {'"linear_attention"': '"mamba"', '"full_attention"': '"attention"'}


def make(kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        original(kind).save_pretrained(folder)
        config = Path(folder, "config.json")
        for new, old in LAYERS.items():
            config.write_text(config.read_text().replace(new, old))
        tokenizer().save_pretrained(folder)
        target = str(HERE / f"{kind}.gguf")
        sys.argv[1:] = [folder, "--outtype", "f32", "--model-name", kind, "--outfile", target]
        convert_hf_to_gguf.main()


for kind in MAKERS:
    make(kind)
