"""Defects of predictions."""

from __future__ import annotations

from itertools import count
from typing import ClassVar

from defective import Defective, caught_by

from tunesmith.errors import UnsupportedError
from tunesmith.records import Classification, LabelTokens
from tunesmith.testing.fake import FAKE_MODEL, FakePredictor


@caught_by("test_one_answer_for_each_input")
class DropsCopies(Defective):
    """Answers equal inputs once."""

    class Predictor(FakePredictor):
        def generate(self, target, inputs, params=None):
            return super().generate(target, list(dict.fromkeys(inputs)), params)


@caught_by("test_one_answer_for_each_input")
class NeedsARow(Defective):
    """Fails if there is no input."""

    class Predictor(FakePredictor):
        def generate(self, target, inputs, params=None):
            longest = max(map(len, inputs))
            return super().generate(target, [text[:longest] for text in inputs], params)


@caught_by("test_prompts_are_in_the_order_of_inputs")
class SortsByLength(Defective):
    """Leaves the answers in the order in which the rows were batched."""

    class Predictor(FakePredictor):
        def generate(self, target, inputs, params=None):
            return super().generate(target, sorted(inputs, key=len), params)


@caught_by("test_a_row_does_not_depend_on_its_neighbors")
class MixesUpTexts(Defective):
    """Returns the texts of a call in another order than its prompts."""

    class Predictor(FakePredictor):
        def generate(self, target, inputs, params=None):
            found = super().generate(target, inputs, params)
            texts = sorted(one.text for one in found)
            return [o.model_copy(update={"text": t}) for o, t in zip(found, texts, strict=True)]


@caught_by("test_a_row_does_not_depend_on_its_neighbors")
class ReadsThePadding(Defective):
    """Answers the last row of a batch otherwise than alone."""

    class Predictor(FakePredictor):
        def generate(self, target, inputs, params=None):
            found = super().generate(target, inputs, params)
            if len(inputs) < 2:
                return found
            other = {"0": "1", "1": "0"}.get(found[-1].text, "")
            return [*found[:-1], found[-1].model_copy(update={"text": other})]


@caught_by("test_rows_of_several_targets")
class AsksTheFirstTarget(Defective):
    """Asks one target for the rows of all."""

    class Predictor(FakePredictor):
        def generate_each(self, targets, inputs, params=None):
            pairs = zip(targets, inputs, strict=True)
            return [self.generate(targets[0], [text], params)[0] for _, text in pairs]


@caught_by("test_scores_of_several_targets")
class ScoresByTheFirstTarget(Defective):
    """Scores the rows of all targets by one of them."""

    class Predictor(FakePredictor):
        def classify_each(self, targets, inputs, labels):
            return self.classify(targets[0], inputs, labels)


class TamperedScores(Defective):
    """Changes the probabilities of a deployment."""

    class Predictor(FakePredictor):
        def classify(self, target, inputs, labels):
            found = super().classify(target, inputs, labels)
            if isinstance(target, str):
                return found
            return self._backend.tampered(found)


@caught_by("test_classify")
class ScoresBeyondOne(TamperedScores):
    """Returns scores that do not sum to one."""

    def tampered(self, found):
        twice = [{k: 2 * p for k, p in one.probabilities.items()} for one in found]
        return [Classification(probabilities=one) for one in twice]


@caught_by("test_classify")
class ScoresInItsOrder(TamperedScores):
    """Returns the labels in its own order."""

    def tampered(self, found):
        ordered = [dict(sorted(one.probabilities.items())) for one in found]
        return [Classification(probabilities=one) for one in ordered]


@caught_by("test_scores_do_not_depend_on_neighbors")
class ScoresByTheCall(TamperedScores):
    """Mixes the mean of the call into each row."""

    def tampered(self, found):
        def mixed(label, own):
            return (own + sum(one.probabilities[label] for one in found) / len(found)) / 2

        rows = [{k: mixed(k, p) for k, p in one.probabilities.items()} for one in found]
        return [Classification(probabilities=one) for one in rows]


@caught_by("test_classify")
class ReadsLabelsTwice(Defective):
    """Uses an iterator of labels up before it scores them."""

    class Predictor(FakePredictor):
        def classify(self, target, inputs, labels):
            several = sum(1 for _ in labels) > 1
            return super().classify(target, inputs, labels) if several else []


@caught_by("test_prompts")
class ForgetsTheTemplate(Defective):
    """Names prompts without the template that the tuned model reads."""

    class Predictor(FakePredictor):
        def prompts(self, deployment, inputs):
            return list(inputs)


@caught_by("test_prompts")
class ForgetsTheCut(Defective):
    """Names the whole prompt for a row that is cut."""

    class Predictor(FakePredictor):
        def prompts(self, deployment, inputs):
            template = deployment.model.method["verbalizer"]
            return [template.replace("{{input}}", text) for text in inputs]


@caught_by("test_label_tokens")
class CertainOfEachLabel(Defective):
    """Gives each label all of the probability."""

    class Predictor(FakePredictor):
        def label_tokens(self, base_model, prompts, labels):
            found = super().label_tokens(base_model, prompts, labels)
            return {k: LabelTokens(tokens=one.tokens, mass=1.0) for k, one in found.items()}


@caught_by("test_stream")
class CutsTheStream(Defective):
    """Does not pass on the last piece."""

    class Predictor(FakePredictor):
        def stream(self, target, text, params=None):
            *pieces, last = super().stream(target, text, params)
            yield from pieces
            yield last.model_copy(update={"text": ""})


@caught_by("test_tokenize")
class TokenizesTheTemplate(Defective):
    """Counts the tokens of the template as those of the text."""

    class Predictor(FakePredictor):
        def tokenize(self, target, inputs):
            found = super().tokenize(target, inputs)
            return found if isinstance(target, str) else [("classify", *one) for one in found]


@caught_by("test_embed")
class PoolsOverThePadding(Defective):
    """Makes the vectors of short texts shorter, as if they were filled up with zeros."""

    class Predictor(FakePredictor):
        def embed(self, base_model, texts, max_tokens=None):
            found = super().embed(base_model, texts, max_tokens)
            longest = max((one.token_count for one in found), default=1)
            return [
                one.model_copy(
                    update={"vector": tuple(x * one.token_count / longest for x in one.vector)}
                )
                for one in found
            ]


@caught_by("test_generating_is_repeatable")
class AddsUpTokens(Defective):
    """Counts the tokens of all calls since the start."""

    numbers = count(1)

    class Predictor(FakePredictor):
        def generate(self, target, inputs, params=None):
            found = super().generate(target, inputs, params)
            more = next(self._backend.numbers)
            return [o.model_copy(update={"input_token_count": more}) for o in found]


@caught_by("test_token_budget")
class CountsThePrompt(Defective):
    """Counts the tokens of the prompt as generated."""

    class Predictor(FakePredictor):
        def generate(self, target, inputs, params=None):
            found = super().generate(target, inputs, params)
            counts = [o.input_token_count + o.generated_token_count for o in found]
            pairs = zip(found, counts, strict=True)
            return [o.model_copy(update={"generated_token_count": n}) for o, n in pairs]


class IgnoresAParameter(Defective):
    """Accepts a declared parameter and goes on without it."""

    ignored: ClassVar[str]

    class Predictor(FakePredictor):
        def generate(self, target, inputs, params=None):
            left = params and params.model_copy(update={self._backend.ignored: None})
            return super().generate(target, inputs, left)


@caught_by("test_token_budget")
class IgnoresTheBudget(IgnoresAParameter):
    """Ignores ``max_new_tokens``."""

    ignored = "max_new_tokens"


@caught_by("test_a_stop_sequence_ends_the_text")
class IgnoresStopSequences(IgnoresAParameter):
    """Ignores ``stop_sequences``."""

    ignored = "stop_sequences"


@caught_by("test_sampling_repeats_with_its_seed")
class DrawsAnew(Defective):
    """Ignores ``random_seed``: each call draws other texts."""

    calls = count()

    class Predictor(FakePredictor):
        def generate(self, target, inputs, params=None):
            found = super().generate(target, inputs, params)
            if params is None or params.decoding_method != "sample":
                return found
            drawn = "01"[next(self._backend.calls) % 2]
            return [one.model_copy(update={"text": drawn}) for one in found]


@caught_by("test_base_inference")
class AnswersForAnyName(Defective):
    """Answers for a base model that it does not have."""

    class Predictor(FakePredictor):
        def generate(self, target, inputs, params=None):
            known = FAKE_MODEL if isinstance(target, str) else target
            return super().generate(known, inputs, params)


class Undeclared(Defective):
    """Offers what it does not declare."""

    def require(self, capability):
        pass


@caught_by("test_base_inference")
class UndeclaredBaseModel(Undeclared):
    """Lets the base model answer without declaring it."""

    declares: ClassVar = {"base_inference": False}


@caught_by("test_classify")
class UndeclaredScores(Undeclared):
    """Scores labels without declaring it."""

    declares: ClassVar = {"label_scores": False}


@caught_by("test_label_tokens")
class UndeclaredLabelTokens(Undeclared):
    """Tokenizes labels after prompts without declaring scores of the base model."""

    declares: ClassVar = {"base_label_scores": False}

    class Predictor(FakePredictor):
        def classify(self, target, inputs, labels):
            if isinstance(target, str):
                raise UnsupportedError("base_label_scores")
            return super().classify(target, inputs, labels)

        def label_tokens(self, base_model, prompts, labels):
            return {label: LabelTokens(tokens=(label,), mass=0.1) for label in labels}


@caught_by("test_stream")
class UndeclaredStream(Undeclared):
    """Streams without declaring it."""

    declares: ClassVar = {"streaming": False}


@caught_by("test_tokenize")
class UndeclaredTokens(Undeclared):
    """Tokenizes without declaring it."""

    declares: ClassVar = {"tokenize": False}


@caught_by("test_embed")
class UndeclaredVectors(Undeclared):
    """Embeds without declaring it."""

    declares: ClassVar = {"embedding_dimension": None}


@caught_by("test_every_text_is_refused_without_inference")
class UndeclaredText(Defective):
    """Writes texts although its deployments only decide."""

    declares: ClassVar = {"inference": False}


class OwnError(UnsupportedError):
    """An error that a caller does not expect."""


@caught_by("test_stream")
class OwnErrors(Defective):
    """Refuses with a subclass of ``UnsupportedError``."""

    declares: ClassVar = {"streaming": False}

    def require(self, capability):
        if capability == "streaming":
            raise OwnError("no streaming here")
        super().require(capability)
