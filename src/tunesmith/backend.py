"""The interface of a backend. The core does everything else.

A backend tunes, deploys and generates. It raises :class:`~tunesmith.errors.UnsupportedError`
for everything that its :class:`Capabilities` do not declare and never ignores a setting in silence.
The exception is the seed, which also drives the splits: a backend without seeds runs, with a note.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from tunesmith.capabilities import Capabilities as Capabilities
from tunesmith.capabilities import Range as Range
from tunesmith.errors import UnsupportedError
from tunesmith.methods import PLACEHOLDER, render
from tunesmith.records import (
    BaseModelInfo,
    Classification,
    Deployment,
    Embedding,
    Generation,
    LabelTokens,
    Message,
    Reading,
    Row,
    Tool,
    TunedModel,
    Usage,
)
from tunesmith.spec import GenerationParams, TuningSpec, check_texts
from tunesmith.targets import Target as Target
from tunesmith.targets import by_target
from tunesmith.tuning_job import TuningJob as TuningJob


class BackendOptions(BaseModel):
    """Options of a backend; a subclass adds its own fields.

    A field takes its value from ``--option``, else from the environment variable named in
    ``json_schema_extra={"env": NAME}``, else from the user's options file, else its default.
    Secrets are ``SecretStr`` fields, which never print their value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: Path = Path("runs/store")
    """The folder of the jobs, tuned models and deployments that must outlive the process;
    ``connect`` gives every backend a separate folder."""


class Tuner(ABC):
    """Makes tuned models."""

    @abstractmethod
    def submit(
        self,
        spec: TuningSpec,
        train: Sequence[Row],
        validation: Sequence[Row] | None = None,
        *,
        prepared: object | None = None,
    ) -> TuningJob:
        """Start tuning ``spec.method`` on ``train`` and return at once.

        It stops early on the rows ``validation``, if there are some. ``prepared`` is what
        :meth:`check` returned for the same arguments. A backend whose ``check`` returns None never
        gets it, and may leave the parameter out.

        Raises:
            UnsupportedError: the method, a setting or a validation set is not declared.
            ExperimentError: the experiment cannot work with this base model.
        """

    @abstractmethod
    def resume(self, job_id: str) -> TuningJob:
        """Find a job, in this or another process, and continue it.

        Raises:
            NotFoundError: no such job.
            UnsupportedError: ``resumable`` is not declared.
        """

    def check(
        self, spec: TuningSpec, train: Sequence[Row], validation: Sequence[Row] | None = None
    ) -> object | None:
        """Raise what :meth:`submit` would raise, and start nothing.

        For what only the base model can tell, such as the number of tokens of a label; what
        :class:`Capabilities` declare is checked by the core. The result is what ``submit`` would
        need again; None if there is nothing.
        """
        return None

    def tune(
        self, spec: TuningSpec, train: Sequence[Row], validation: Sequence[Row] | None = None
    ) -> TunedModel:
        """Submit and wait."""
        return self.submit(spec, train, validation).wait()

    def export(self, model: TunedModel, directory: Path) -> None:
        """Write the tuned weights into ``directory`` as a PEFT adapter.

        Raises:
            UnsupportedError: ``exports_adapter`` is not declared.
        """
        raise UnsupportedError(f"backend {model.backend!r} does not export its tuned models")

    def adopt(self, folder: Path) -> TunedModel:
        """Take a tuned model from a folder that :meth:`export` wrote; it raises as that does."""
        raise UnsupportedError(f"{folder}: this backend loads no adapters; name a run directory")


class Deployer(ABC):
    """Makes tuned models answer."""

    @abstractmethod
    def deploy(self, model: TunedModel, name: str) -> Deployment:
        """Deploy ``model`` and block until it answers.

        Raises:
            NotFoundError: the backend no longer has the model.
            DeploymentError: the deployment failed.
        """

    @abstractmethod
    def get(self, deployment_id: str) -> Deployment:
        """Return a deployment by id.

        Raises:
            NotFoundError: no such deployment.
        """

    @abstractmethod
    def list(self) -> Sequence[Deployment]:
        """Return the deployments, oldest first."""

    @abstractmethod
    def undeploy(self, deployment: Deployment) -> None:
        """Remove a deployment; does nothing if it is already gone."""


class Predictor(ABC):
    """Generates text, from a deployment or from an untuned base model."""

    @abstractmethod
    def generate(
        self, target: Target, inputs: Sequence[str], params: GenerationParams | None = None
    ) -> list[Generation]:
        """Generate once for each input; results come in the order of ``inputs``.

        The template of the tuned method is applied to a deployment's inputs here, and nothing
        to a base model's. Greedy decoding and 20 new tokens are the defaults (watsonx.ai).

        Raises:
            NotFoundError: no such deployment or base model.
            UnsupportedError: a parameter that is not declared, or the target writes no text.
        """

    def generate_each(
        self,
        targets: Sequence[Target],
        inputs: Sequence[str],
        params: GenerationParams | None = None,
    ) -> list[Generation]:
        """Generate once for each input, for the target of the same place.

        A row's result is that of :meth:`generate` for its target. Here each target is asked once;
        a backend that reads rows of several targets together overrides this.

        Raises:
            ValueError: there are not as many targets as inputs.
            TunesmithError: as :meth:`generate`; one wrong row fails the call.
        """
        return by_target(targets, inputs, lambda target, part: self.generate(target, part, params))

    def stream(
        self, target: Target, text: str, params: GenerationParams | None = None
    ) -> Iterator[Generation]:
        """Generate piece by piece; joined, the pieces are the text of :meth:`generate`."""
        raise UnsupportedError("this backend does not declare streaming")

    def tokenize(self, target: Target, inputs: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the tokens of each input, without a template.

        Tokens are spelled as the model's vocabulary does.
        """
        raise UnsupportedError("this backend does not declare tokenize")

    def embed(
        self, base_model: str, texts: Sequence[str], max_tokens: int | None = None
    ) -> list[Embedding]:
        """Return an embedding of length 1 for each text, in the order of ``texts``.

        At most the first ``max_tokens`` tokens of a text are read, and no more than the model has
        positions.

        Raises:
            UnsupportedError: ``embedding_dimension`` is not declared.
            PredictionError: a text has no tokens.
        """
        raise UnsupportedError("this backend does not declare embedding_dimension")

    def prompts(self, deployment: Deployment, inputs: Sequence[str]) -> list[str]:
        """Return the text that a deployment reads for each input, after template and cut.

        Here the template of its method is applied; a backend that cuts long inputs overrides this.
        """
        template = str(deployment.model.method.get("verbalizer", PLACEHOLDER))
        return [render(template, text) for text in inputs]

    def chat_text(
        self,
        base_model: str,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        **variables: Any,
    ) -> str | None:
        """Return the text in which a chat model reads a conversation, special tokens included.

        The answer of the model follows the text, and thinking is off. The contents are not changed,
        so ``{{input}}`` in a content makes it a template. None if the service renders conversations
        itself, or nothing has a chat template.

        Args:
            base_model: as the backend names it.
            messages: the turns.
            tools: many templates do not show them; then the text is the same as without.
            **variables: of the template, such as ``enable_thinking``.

        Raises:
            ExperimentError: the chat template refuses the conversation, e.g. a system message.
        """
        return None

    def chat(
        self,
        base_model: str,
        conversations: Sequence[Sequence[Message]],
        params: GenerationParams | None = None,
    ) -> list[Generation]:
        """Let an untuned chat model answer each conversation.

        Raises:
            UnsupportedError: ``chat`` is not declared.
            TunesmithError: as :meth:`generate` and :meth:`chat_text`.
        """
        texts = (self.chat_text(base_model, messages) for messages in conversations)
        rendered = [text for text in texts if text is not None]
        if len(rendered) < len(conversations):
            raise UnsupportedError(f"chat: {base_model!r} has no chat template here; leave it out")
        return self.generate(base_model, rendered, params)

    def check_answers(self, spec: TuningSpec, prompts: Sequence[str], answer: Reading) -> None:
        """Raise if one of ``spec.labels`` cannot be the answer to ``prompts``; nothing is asked.

        A text is an answer if ``spec.generation`` lets the model write it whole and end it there,
        and it is the label when it is read back. Here only that is checked which the text of a
        label tells. A backend that knows its tokens, or the room for a prompt, overrides this.

        Args:
            spec: of the tuned model, or of the untuned one if its method tunes nothing.
            prompts: the texts that the model reads, before cuts; none if the service renders them.
            answer: the reading of the answer.

        Raises:
            ExperimentError: names the setting that is in the way, and the remedy.
            UnsupportedError: the backend has no label scores for such labels.
        """
        del prompts
        if answer == "text":
            check_texts(spec)

    def label_tokens(
        self, base_model: str, prompts: Sequence[str], labels: Sequence[str]
    ) -> dict[str, LabelTokens]:
        """Return how the untuned model would write each label; tokens are behind the first prompt.

        Raises:
            UnsupportedError: ``base_label_scores`` is not declared.
        """
        raise UnsupportedError("this backend does not declare base_label_scores")

    def classify(
        self, target: Target, inputs: Sequence[str], labels: Iterable[str]
    ) -> list[Classification]:
        """Return the probability of each label for each input; they sum to one.

        A label's score is the sum of the log-probabilities of its tokens as they continue the
        prompt. For a base model, these are the tokens of the labels; for a deployment, the tokens
        that it was tuned to generate for them.

        Raises:
            UnsupportedError: ``label_scores`` or ``base_label_scores`` is not declared.
        """
        raise UnsupportedError("this backend does not declare label_scores")

    def classify_each(
        self, targets: Sequence[Target], inputs: Sequence[str], labels: Sequence[str]
    ) -> list[Classification]:
        """Return for each input what :meth:`classify` does for its target; see generate_each."""
        return by_target(targets, inputs, lambda target, part: self.classify(target, part, labels))


class Backend(ABC):
    """A provider of tuning. A context manager: it owns sessions, devices and threads."""

    name: ClassVar[str]
    options_model: ClassVar[type[BackendOptions]] = BackendOptions

    def __init__(self, options: BackendOptions | None = None) -> None:
        self.options = options if options is not None else self.options_model()

    @property
    @abstractmethod
    def tuner(self) -> Tuner:
        """The tuner."""

    @property
    @abstractmethod
    def deployer(self) -> Deployer:
        """The deployer."""

    @property
    @abstractmethod
    def predictor(self) -> Predictor:
        """The predictor."""

    @abstractmethod
    def base_models(self) -> list[BaseModelInfo]:
        """Return the base models that can be named, asked of the service, never assumed."""

    @abstractmethod
    def base_model(self, name: str) -> BaseModelInfo:
        """Return the model that serves under the portable ``name``.

        Raises:
            NotFoundError: no such model; the message names near misses and what can be done.
        """

    @abstractmethod
    def capabilities(self, base_model: str) -> Capabilities:
        """Return the capabilities of this backend with ``base_model``.

        Raises:
            NotFoundError: no such model.
        """

    def usage(self) -> Usage | None:
        """Return the tokens that this connection has used; None if they are not counted."""
        return None

    def scripted(self) -> int:
        """Return how many answers were prepared by a test and not given by a model; usually 0."""
        return 0

    def versions(self) -> dict[str, str]:
        """Return versions of the libraries that decide the result, for the run record."""
        return {}

    def figures(self) -> dict[str, float]:
        """Return figures by name, for monitoring, e.g. ``cache_hits`` of the states it keeps."""
        return {}

    def close(self) -> None:  # noqa: B027  # nothing to release is a normal case
        """Release sessions, devices and threads. Running jobs stop at their last checkpoint."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"
