"""Conformance of predictions: number, order, independence of rows, scores, tokens and streams."""
# ruff: noqa: S101  # a test suite is made of assertions

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import partial

import pytest

from tunesmith.backend import Target
from tunesmith.errors import NotFoundError
from tunesmith.methods import render
from tunesmith.records import Deployment, Generation
from tunesmith.spec import GenerationParams
from tunesmith.testing.harness import LABELS, Harness, needs, offered


class PredictionConformance(Harness):
    """Every input has an answer, in order, that does not depend on other inputs."""

    @pytest.fixture(params=["deployment", "base model"])
    def anything(self, request: pytest.FixtureRequest) -> Target:
        """The deployment or the base model."""
        if request.param == "base model":
            return self.experiment().base_model
        found: Deployment = request.getfixturevalue("deployment")
        return found

    @pytest.fixture
    def target(self, anything: Target) -> Target:
        """The deployment or the base model, if it writes text."""
        base = isinstance(anything, str)
        needs(self.writes(base), f"{'base_' if base else ''}inference")
        return anything

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
        batch = _by_prompt(generate(target, inputs))
        alone = _by_prompt([generate(target, [text])[0] for text in inputs])
        reversed_batch = _by_prompt(generate(target, inputs[::-1])[::-1])
        assert batch == alone, "rows in a batch differ from the same rows alone"
        assert batch == reversed_batch, "a reversed batch gives other results or another order"

    def test_rows_of_several_targets(self, deployment: Deployment, swapped: Deployment) -> None:
        """Rows of two deployments and of the base model get the same text in one call as in three.

        Troubleshooting: put the results back into the order of ``inputs``. If you read rows of
        several targets together, give each row its own prompt, mask and positions.
        """
        needs(self.declared.inference, "inference")
        targets: list[Target] = [deployment, swapped]
        if self.declared.base_inference:
            targets.append(self.experiment().base_model)
        generate, generate_each = self.predictor.generate, self.predictor.generate_each
        pairs = [(target, text) for text in self.inputs() for target in targets]
        random.Random(0).shuffle(pairs)
        mixed = generate_each([target for target, _ in pairs], [text for _, text in pairs])
        assert len(mixed) == len(pairs)
        for target in targets if self.declared.batch_independent else ():
            apart = generate(target, [text for asked, text in pairs if asked == target])
            found = [g.text for g, (asked, _) in zip(mixed, pairs, strict=True) if asked == target]
            assert found == [g.text for g in apart], "rows differ from those of one target"
        assert generate_each([], []) == []
        with pytest.raises(ValueError, match=r".*"):
            generate_each(targets, self.inputs()[:1])

    def test_scores_do_not_depend_on_neighbors(self, anything: Target) -> None:
        """Troubleshooting: raise ``score_tolerance`` only for a backend of low precision."""
        both = self.declared.batch_independent and self._scored(anything)
        needs(both, "batch_independent and label scores")
        classify, inputs = self.predictor.classify, self.inputs()
        for together, text in zip(classify(anything, inputs, LABELS), inputs, strict=True):
            alone = classify(anything, [text], LABELS)[0].probabilities
            assert together.probabilities == pytest.approx(alone, abs=self.score_tolerance)

    def test_scores_of_several_targets(self, deployment: Deployment, swapped: Deployment) -> None:
        """Rows of two deployments get the same probabilities in one call as in two.

        Troubleshooting: as for ``generate_each``.
        """
        both = self.declared.batch_independent and self.declared.label_scores
        needs(both, "batch_independent and label scores")
        pairs = [(one, text) for text in self.inputs() for one in (deployment, swapped)]
        random.Random(0).shuffle(pairs)
        targets, inputs = [target for target, _ in pairs], [text for _, text in pairs]
        mixed = self.predictor.classify_each(targets, inputs, LABELS)
        assert len(mixed) == len(pairs)
        for target in (deployment, swapped):
            texts = [text for asked, text in pairs if asked == target]
            apart = self.predictor.classify(target, texts, LABELS)
            found = [one for one, (asked, _) in zip(mixed, pairs, strict=True) if asked == target]
            for one, expected in zip(found, apart, strict=True):
                near = pytest.approx(expected.probabilities, abs=self.score_tolerance)
                assert one.probabilities == near

    def test_classify(self, anything: Target) -> None:
        """Probabilities of the given labels, in order, sum to one; if not declared, refused.

        Troubleshooting: ``labels`` may be an iterator, so make a tuple first.
        """
        classify, inputs = self.predictor.classify, self.inputs()
        call = partial(classify, anything, inputs, iter(("1", "0")))
        results = offered(self._scored(anything), "label_scores", call)
        if results is None:
            return
        assert len(results) == len(inputs)
        for result in results:
            assert list(result.probabilities) == ["1", "0"]
            assert all(0 <= p <= 1 for p in result.probabilities.values())
            assert sum(result.probabilities.values()) == pytest.approx(1)
        assert classify(anything, [], LABELS) == []

    def test_prompts(self, deployment: Deployment) -> None:
        """``prompts`` returns the texts that ``generate`` reads, with the template and truncated.

        The untuned model reads them when it is compared with the tuned one.

        Troubleshooting: override ``Predictor.prompts`` if the backend cuts long inputs.
        """
        inputs = [*self.inputs(), "word " * 400]
        prompts = self.predictor.prompts(deployment, inputs)
        assert len(prompts) == len(inputs)
        template = self.experiment().method.input_template
        assert prompts[: len(self.inputs())] == [render(template, text) for text in self.inputs()]
        for prompt, text in zip(prompts, inputs, strict=True) if self.declared.inference else ():
            # One at a time: the order of a batch has its own test.
            assert self.predictor.generate(deployment, [text])[0].prompt in (None, prompt)
        assert self.predictor.prompts(deployment, []) == []

    def test_label_tokens(self) -> None:
        """Each label has tokens and a probability after a few prompts; if not declared, refused.

        Troubleshooting: the probabilities are over all texts that the model could write.
        """
        name = self.experiment().base_model
        call = partial(self.predictor.label_tokens, name, self.inputs(), ("1", "0"))
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

    def test_tokenize(self, anything: Target) -> None:
        """The tokens of each bare text, more for a longer text; if not declared, refused.

        A deployment has the tokens of its base model.

        Troubleshooting: leave out the template and the virtual tokens.
        """
        texts = ["one", "one two three four", "one two"]
        call = partial(self.predictor.tokenize, anything, texts)
        tokens = offered(self.declared.tokenize, "tokenize", call)
        if tokens is None:
            return
        short, long, middle = map(tuple, tokens)
        assert 0 < len(short) < len(middle) < len(long)
        assert all(isinstance(token, str) for token in long)
        assert tokens == self.predictor.tokenize(self.experiment().base_model, texts)
        assert self.predictor.tokenize(anything, []) == []

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
        assert cut.token_count + cut.unread_token_count == found[1].token_count
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

    def test_a_stop_sequence_ends_the_text(self, writer: Target) -> None:
        """The text ends with the first stop sequence, or before it if the service leaves it out.

        Troubleshooting: pass the sequences on. A text that has one at its end also has the reason
        ``stop_sequence``; ``GenerationParams.ended`` cuts a text.
        """
        needs("stop_sequences" in self.declared.generation_parameters, "stop_sequences")
        for text in self.inputs():
            before = self.predictor.generate(writer, [text])[0].text
            if before.strip():
                stop = before.strip()[0]
                params = GenerationParams(stop_sequences=(stop,))
                after = self.predictor.generate(writer, [text], params)[0]
                without = before.partition(stop)[0]
                assert after.text in (params.ended(before), without)
                assert after.text == without or after.stop_reason == "stop_sequence"

    def test_sampling_repeats_with_its_seed(self, writer: Target) -> None:
        """Troubleshooting: seed the sampling with ``random_seed``, for each row in the same way."""
        sampled = {"decoding_method", "random_seed"} <= self.declared.generation_parameters
        needs(sampled, "decoding_method and random_seed")
        params = GenerationParams(decoding_method="sample", random_seed=7)
        generate, inputs = self.predictor.generate, self.inputs()
        first, second = ([g.text for g in generate(writer, inputs, params)] for _ in range(2))
        assert first == second

    def _scored(self, target: Target) -> bool:
        base = isinstance(target, str)
        return self.declared.base_label_scores if base else self.declared.label_scores


def _by_prompt(generations: Sequence[Generation]) -> list[tuple[str, str]]:
    """Return the texts with their prompts, if these are known in the order of the prompts."""
    texts = [(generation.prompt or "", generation.text) for generation in generations]
    return sorted(texts) if all(prompt for prompt, _ in texts) else texts
