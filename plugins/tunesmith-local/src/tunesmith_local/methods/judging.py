"""Judges a soft prompt on rows that it was not trained on, by the probabilities of the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from tunesmith_local.engine.state_cache import StateCache
from tunesmith_local.methods.tuned import AdapterCard, Served, TunedLM

if TYPE_CHECKING:
    from tunesmith_local.engine.text_states import TextCache
    from tunesmith_local.methods.prepared import GradientRows
    from tunesmith_local.methods.search_plan import Judge, SearchPlan
    from tunesmith_local.methods.tunable import Tunable
    from tunesmith_local.model.loading import BaseLM

_ROWS_AT_ONCE = 32


def judge_of(
    base: BaseLM,
    plan: SearchPlan,
    rows: GradientRows,
    position: Literal["prefix", "suffix"],
    texts: TextCache,
) -> Judge:
    """Return the judge of a search: it decides on the rows that are held out, as a deployment does.

    Args:
        base: the base model.
        plan: has the rows that judge.
        rows: have template, limit and the tokens of the answers.
        position: of the soft prompt.
        texts: keeps the states of texts before a soft prompt.
    """
    labels = list(plan.labels)
    said = [plan.labels.surface(label) for label in labels]
    right = torch.tensor([labels.index(str(row.output)) for row in plan.judges])
    inputs = [row.input for row in plan.judges]
    card = AdapterCard(
        base.name, base.fingerprint, rows.template, rows.max_input_tokens, answers=rows.rule
    )

    def judge(tunable: Tunable) -> tuple[torch.Tensor, float]:
        (prompt,) = tunable.weights().values()
        tuned = TunedLM(base, card, prompt=prompt, prompt_position=position)
        answerer = tuned.answerer(Served("", plan.labels, StateCache(0), texts))
        shares = answerer.log_probs(inputs, said, _ROWS_AT_ONCE).log_softmax(-1)
        losses = -shares.gather(1, right[:, None]).squeeze(1)
        return losses, (shares.argmax(-1) == right).double().mean().item()

    return judge
