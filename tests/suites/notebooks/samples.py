"""IBM's sample notebooks about foundation models, as they are in one commit of their repository.

Those whose cells fetch nothing but packages run here. The others are named with what they need.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = "IBM/watsonx-ai-samples"
COMMIT = "2974cafd0173be626d2193be7b97874da118e171"
DAY = "2025-03-03"
"""The day of the commit."""
FOLDER = Path("cloud/notebooks/python_sdk/deployments/foundation_models")


@dataclass(frozen=True, slots=True)
class Sample:
    """One notebook."""

    name: str
    """A short name of ours."""
    file: str
    blob: str
    """Git's id of its content."""
    causes: Mapping[int, str] = field(default_factory=dict)
    """Why it stops in a code cell, by its number, if the error alone does not say it."""

    def find(self, source: Path) -> Path:
        """Return the notebook in a checkout of the repository, unchanged.

        Raises:
            SystemExit: it is missing, or it is not that of the commit.
        """
        path = source / FOLDER / self.file
        if not path.is_file():
            raise SystemExit(
                f"{path} is missing; --source names a checkout of {REPOSITORY} at {COMMIT}"
            )
        content = path.read_bytes()
        # As 'git hash-object' does.
        found = hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False)
        if found.hexdigest() != self.blob:
            raise SystemExit(f"{path} is not that of commit {COMMIT}; check that commit out")
        return path.resolve()


SAMPLES = (
    Sample(
        "prompt-templates",
        "Use watsonx to manage Prompt Template assets and create deployment.ipynb",
        "bd91bf09047083aeb8842d98a156035fd3018feb",
        {10: "Its pip cell takes any LangChain; version 1 has no module of that name."},
    ),
    Sample(
        "langchain-agents",
        "Use watsonx, and LangChain Agents to perform sequence of actions.ipynb",
        "ac424b3d6a012f343790de65acbfba00ef29cdc8",
        {22: "The agent asks again for each answer of the small model that it cannot parse."},
    ),
    Sample(
        "langchain-chain",
        "Use watsonx, and LangChain to make a series of calls to a language model.ipynb",
        "c8f5fcec0f1e042d6fc1a07e1c849ba03aaf058e",
    ),
    Sample(
        "llamaindex-sql",
        "Use watsonx, and LlamaIndex with sql querey engine.ipynb",
        "43d2cfac244c87a14b15ed60d3e0808dd7403a6e",
    ),
    Sample(
        "llama-2-article",
        "Use watsonx, and Meta `llama-2-70b-chat` to answer question about an article.ipynb",
        "3f27421233c1e518a7d66f56a9dc0cb22f6b591e",
    ),
    Sample(
        "llama-3-article",
        "Use watsonx, and Meta `llama-3-70b-instruct` to answer question about an article.ipynb",
        "845780d87820c6de3e9814fe435616e5a41dfa6a",
    ),
    Sample(
        "codellama-code",
        "Use watsonx, and `codellama-34b-instruct-hf` to generate code based on instruction.ipynb",
        "25ae9576e5a36b803b69eadcb2ef5329233a3cb1",
        {14: "The cell executes what the model wrote. The small model's code is no Python."},
    ),
    Sample(
        "granite-translation",
        "Use watsonx, and `granite-20b-multilingual` to support multiple languages "
        "translation.ipynb",
        "cc90b4854321a4f8e4dd7970d0291c46bea78781",
    ),
    Sample(
        "mixtral-code",
        "Use watsonx, and `mixtral-8x7b-instruct-v01` to generate code based on instruction.ipynb",
        "f9402f8c0bdf201e452d259a93629448d8c84d4b",
        {14: "The cell executes what the model wrote. The small model's code is no Python."},
    ),
    Sample(
        "llamaindex-chat",
        "chat/Use watsonx, and `llama-3-1-70b-instruct` and LlamaIndex to make simple chat "
        "conversation and tool calls.ipynb",
        "3c004932ad58223cb08555fc370b64794defdedc",
        {9: "LlamaIndex has removed the method; the pip cell sets no upper bound."},
    ),
    Sample(
        "ai-service",
        "chat/Use watsonx, and `llama-3-1-70b-instruct` to create ai service.ipynb",
        "68ec1b5d652cadece14c48ef009d003d8de5de3f",
    ),
    Sample(
        "mistral-tools",
        "chat/Use watsonx, and `mistral-large` to make simple chat conversation and tool "
        "calls.ipynb",
        "3bd009922bcdc0e84501030ed7f37e487b5e85d1",
        {11: "It reads the choices of each event. The service's last one has none (recorded)."},
    ),
    Sample(
        "mistral-agent",
        "chat/Use watsonx, and `mistral-large` with support for tools to perform simple "
        "calculations.ipynb",
        "ffdc66b52754e5e31d2b4c1353c1e0c5b8d2e4c1",
        {8: "The picture of the graph is made by mermaid.ink. Nothing leaves the machine."},
    ),
)
OTHER_NOTEBOOKS = 16
OTHERS: Mapping[str, str] = {
    "a file of data": (
        "the three of `prompt_tuning`; RAG with Chroma; time series; car rental; sentiments of "
        "legal documents; summaries of contracts; description of a logo; lm-evaluation-harness"
    ),
    "a file of data, and Elasticsearch or Milvus": "the other four of `RAG`",
    "web pages of IBM": "adaptive RAG with LangGraph",
    "Cloud Object Storage": "text extraction",
}
"""What those fetch, and which they are."""
