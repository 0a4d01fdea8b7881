"""Conformance of predictions: number, order, independence of rows, scores, tokens and streams."""
# ruff: noqa: S101  # a test suite is made of assertions

from __future__ import annotations

import math
import random
from functools import partial

import pytest

from tunesmith.backend import Target
from tunesmith.errors import NotFoundError
from tunesmith.methods import render
from tunesmith.records import Deployment
from tunesmith.spec import GenerationParams
from tunesmith.testing.harness import Harness, needs, offered


class PredictionConformance(Harness):
    """Every input has an answer, in order, that does not depend on other inputs."""

    @pytest.fixture(params=["deployment", "base model"])
    def target(self, request: pytest.FixtureRequest, deployment: Deployment) -> Target:
        """The deployment or the base model."""
        if request.param == "deployment":
            return deployment
        needs(self.declared.base_inference, "base_inference; see test_base_inference")
        return self.experiment().base_model

    def test_one_answer_for_each_input(self, target: Target) -> None:
        """There are as many generations as inputs, also for equal inputs and for no input.

        Troubleshooting: return ``[]`` for an empty list before you load or send anything.
        """
        inputs = self.inputs()
        assert len(self.predictor.generate(target, inputs)) == len(inputs)
        assert len(self.predictor.generate(target, [inputs[0]] * 3)) == 3
        assert self.predictor.generate(target, []) == []

    def test_prompts_are_in_the_order_of_inputs(self, target: Target) -> None:
        """Troubleshooting: undo any sorting by length before you return the results."""
        template = self.experiment().method.input_template
        if isinstance(target, str):
            template = "{{input}}"
        generations = self.predictor.generate(target, self.inputs())
        for text, generation in zip(self.inputs(), generations, strict=True):
            if generation.prompt is not None and not generation.truncated:
                assert generation.prompt == render(template, text)

    def test_a_row_does_not_depend_on_its_neighbors(self, target: Target) -> None:
        """Troubleshooting: check the attention mask and the positions of padded rows."""
        needs(self.declared.batch_independent, "batch_independent")
        generate, inputs = self.predictor.generate, self.inputs()
        batch = [g.text for g in generate(target, inputs)]
        alone = [generate(target, [text])[0].text for text in inputs]
        reversed_batch = [g.text for g in generate(target, inputs[::-1])][::-1]
        assert batch == alone, "rows in a batch differ from the same rows alone"
        assert batch == reversed_batch, "a reversed batch gives other results or another order"

    def test_rows_of_several_targets(self, deployment: Deployment, swapped: Deployment) -> None:
        """Rows of two deployments and of the base model get the same text in one call as alone.

        Troubleshooting: put the results back into the order of ``inputs``. If you read rows of
        several targets together, give each row its own prompt, mask and positions.
        """
        targets: list[Target] = [deployment, swapped]
        if self.declared.base_inference:
            targets.append(self.experiment().base_model)
        generate, generate_each = self.predictor.generate, self.predictor.generate_each
        pairs = [(target, text) for text in self.inputs() for target in targets]
        random.Random(0).shuffle(pairs)
        mixed = generate_each([target for target, _ in pairs], [text for _, text in pairs])
        if self.declared.batch_independent:
            alone = [generate(target, [text])[0].text for target, text in pairs]
            assert [g.text for g in mixed] == alone, "rows differ from the same rows alone"
        assert len(mixed) == len(pairs)
        assert generate_each([], []) == []
        with pytest.raises(ValueError, match=r".*"):
            generate_each(targets, self.inputs()[:1])

    def test_scores_do_not_depend_on_neighbors(self, target: Target) -> None:
        """Troubleshooting: raise ``score_tolerance`` only for a backend of low precision."""
        both = self.declared.batch_independent and self._scored(target)
        needs(both, "batch_independent and label scores")
        classify, inputs, labels = self.predictor.classify, self.inputs(), ("0", "1")
        for together, text in zip(classify(target, inputs, labels), inputs, strict=True):
            alone = classify(target, [text], labels)[0].probabilities
            assert together.probabilities == pytest.approx(alone, abs=self.score_tolerance)

    def test_scores_of_several_targets(self, deployment: Deployment, swapped: Deployment) -> None:
        """Rows of two deployments get the same probabilities in one call as alone.

        Troubleshooting: as for ``generate_each``.
        """
        both = self.declared.batch_independent and self.declared.label_scores
        needs(both, "batch_independent and label scores")
        classify, labels = self.predictor.classify, ("0", "1")
        pairs = [(one, text) for text in self.inputs() for one in (deployment, swapped)]
        random.Random(0).shuffle(pairs)
        targets, inputs = [target for target, _ in pairs], [text for _, text in pairs]
        mixed = self.predictor.classify_each(targets, inputs, labels)
        for found, (target, text) in zip(mixed, pairs, strict=True):
            alone = classify(target, [text], labels)[0].probabilities
            assert found.probabilities == pytest.approx(alone, abs=self.score_tolerance)

    def test_classify(self, target: Target) -> None:
        """Probabilities of the given labels, in order, sum to one; if not declared, refused.

        Troubleshooting: ``labels`` may be an iterator, so make a tuple first.
        """
        classify, inputs = self.predictor.classify, self.inputs()
        call = partial(classify, target, inputs, iter(("1", "0")))
        results = offered(self._scored(target), "label_scores", call)
        if results is None:
            return
        assert len(results) == len(inputs)
        for result in results:
            assert list(result.probabilities) == ["1", "0"]
            assert all(0 <= p <= 1 for p in result.probabilities.values())
            assert sum(result.probabilities.values()) == pytest.approx(1)
        assert classify(target, [], ("0", "1")) == []

    def test_prompts(self, deployment: Deployment) -> None:
        """``prompts`` returns the texts that ``generate`` reads, with the template and truncated.

        The untuned model reads them when it is compared with the tuned one.

        Troubleshooting: override ``Predictor.prompts`` if the backend cuts long inputs.
        """
        inputs = [*self.inputs(), "word " * 400]
        prompts = self.predictor.prompts(deployment, inputs)
        assert len(prompts) == len(inputs)
        generations = self.predictor.generate(deployment, inputs)
        for prompt, generation in zip(prompts, generations, strict=True):
            assert generation.prompt in (None, prompt)
        assert self.predictor.prompts(deployment, []) == []

    def test_label_tokens(self) -> None:
        """Each label has tokens and a probability after a few prompts; if not declared, refused.

        Troubleshooting: the probabilities are over all texts that the model could write.
        """
        name = self.experiment().base_model
        call = partial(self.predictor.label_tokens, name, self.inputs(), ["1", "0"])
        found = offered(self.declared.base_label_scores, "label_scores", call)
        if found is None:
            return
        assert list(found) == ["1", "0"]
        assert all(one.tokens for one in found.values())
        assert 0 <= sum(one.mass for one in found.values()) <= 1 + self.score_tolerance

    def test_stream(self, target: Target) -> None:
        """The joined pieces are the text of ``generate``; if not declared, ``stream`` is refused.

        Troubleshooting: yield text, not tokens, because a character may take several tokens.
        """
        text = self.inputs()[0]
        stream = self.predictor.stream
        pieces = offered(self.declared.streaming, "streaming", lambda: list(stream(target, text)))
        if pieces is None:
            return
        whole = self.predictor.generate(target, [text])[0]
        assert "".join(piece.text for piece in pieces) == whole.text
        assert pieces[-1].stop_reason == whole.stop_reason

    def test_tokenize(self, target: Target) -> None:
        """The tokens of each bare text, more for a longer text; if not declared, refused.

        Troubleshooting: leave out the template and the virtual tokens.
        """
        texts = ["one", "one two three four", "one two"]
        call = partial(self.predictor.tokenize, target, texts)
        tokens = offered(self.declared.tokenize, "tokenize", call)
        if tokens is None:
            return
        short, long, middle = map(tuple, tokens)
        assert 0 < len(short) < len(middle) < len(long)
        assert all(isinstance(token, str) for token in long)
        assert self.predictor.tokenize(target, []) == []

    def test_embed(self) -> None:
        """Each text has a vector of length 1 that depends on no neighbor; if not declared, refused.

        Troubleshooting: pool over the tokens of the text alone, never over padding, and cut at
        the end of the text.
        """
        name, texts = self.experiment().base_model, ["one", "one two three four", "one two"]
        width = self.declared.embedding_dimension
        embed = self.predictor.embed
        found = offered(width is not None, "embedding_dimension", lambda: embed(name, texts))
        if found is None:
            return
        assert [len(one.vector) for one in found] == [width] * len(texts)
        assert all(math.isclose(math.hypot(*one.vector), 1, rel_tol=1e-3) for one in found)
        assert not any(one.truncated for one in found)
        assert found[0].token_count < found[2].token_count < found[1].token_count
        (cut,) = embed(name, texts[1:2], found[0].token_count)
        assert cut.truncated
        assert cut.vector == pytest.approx(found[0].vector, abs=1e-3)
        assert embed(name, texts[1:2])[0].vector == pytest.approx(found[1].vector, abs=1e-3)
        assert embed(name, []) == []

    def test_base_inference(self) -> None:
        """The base model answers if declared, else it is refused.

        Troubleshooting: if the target is a string, it is the portable name of a base model.
        """
        name = self.experiment().base_model
        call = partial(self.predictor.generate, name, self.inputs())
        answers = offered(self.declared.base_inference, "base_inference", call)
        if answers is None:
            return
        assert len(answers) == len(self.inputs())
        if not self.any_base_model:
            with pytest.raises(NotFoundError):
                self.predictor.generate(f"{name}x", self.inputs())

    def test_generating_is_repeatable(self, target: Target) -> None:
        """Troubleshooting: decode greedily unless ``decoding_method`` is set."""
        generate = self.predictor.generate
        assert generate(target, self.inputs()) == generate(target, self.inputs())

    def test_token_budget(self, target: Target) -> None:
        """No more than ``max_new_tokens`` are generated, by default 20.

        Troubleshooting: the end-of-text token counts as generated.
        """
        budgets: list[tuple[GenerationParams | None, int]] = [(None, 20)]
        if "max_new_tokens" in self.declared.generation_parameters:
            budgets.append((GenerationParams(max_new_tokens=1), 1))
        for params, budget in budgets:
            for generation in self.predictor.generate(target, self.inputs(), params):
                assert (generation.generated_token_count or 0) <= budget

    def _scored(self, target: Target) -> bool:
        base = isinstance(target, str)
        return self.declared.base_label_scores if base else self.declared.label_scores
