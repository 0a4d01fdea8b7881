"""The shapes of bodies and answers, as the OpenAPI document has them.

Nothing is parsed with them: the services check a body field by field, and name the wrong one.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, RootModel

from tunesmith.spec import GenerationParams
from tunesmith_emulator.assets.service import AssetBody
from tunesmith_emulator.deployments.service import AssetBody as DeployedAssetBody
from tunesmith_emulator.deployments.service import CodeBody, OnlineBody, PromptBody
from tunesmith_emulator.deployments.service import Label as DeploymentLabel
from tunesmith_emulator.trainings.request import Label as TrainingLabel
from tunesmith_emulator.trainings.request import TrainingBody, Tuning
from tunesmith_serve.messages import ROLES

JSON = dict[str, Any]


class InScope(BaseModel):
    """A body that names a project or a space."""

    project_id: str | None = None
    space_id: str | None = None


# Bodies.


class TokenForm(BaseModel):
    """The form that exchanges an API key for a token."""

    apikey: str
    grant_type: str = "urn:ibm:params:oauth:grant-type:apikey"


class SignIn(BaseModel):
    """Cloud Pak for Data's sign-in, with a key or a password."""

    username: str = ""
    api_key: str | None = None
    password: str | None = None


class NewAsset(AssetBody):
    """A data asset without bytes."""


class NewAttachment(BaseModel):
    """An attachment. Name and media type are by default the asset's."""

    name: str | None = Field(None, max_length=255)
    mime: str | None = Field(None, max_length=255)


class AssetSearch(BaseModel):
    """The part of a list of assets."""

    query: str = "*:*"
    limit: int = Field(200, ge=0, le=10_000_000)
    bookmark: int | str = "0"


class _PromptTuning(Tuning):
    # The ranges are those of the model: training_parameters of its spec.
    task_id: str | None = None
    tuning_type: Literal["prompt_tuning"] | None = None
    init_method: str | None = None
    init_text: str | None = None
    verbalizer: str | None = None
    num_epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    accumulate_steps: int | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    num_virtual_tokens: int | None = None


class NewPromptTuning(TrainingBody, TrainingLabel, InScope):
    """A prompt tuning."""

    prompt_tuning: _PromptTuning


class _Lora(Tuning):
    num_epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    accumulate_steps: int | None = None
    peft_parameters: JSON | None = None


class NewFineTuning(TrainingBody, TrainingLabel, InScope):
    """A fine tuning, by LoRA."""

    parameters: _Lora


class NewTunedModel(InScope):
    """A model of a completed training."""

    training_id: str
    name: str | None = None


class NewTunedDeployment(DeploymentLabel, OnlineBody, DeployedAssetBody, InScope):
    """A deployment of a tuned model."""


class NewPromptDeployment(DeploymentLabel, OnlineBody, PromptBody, InScope):
    """A deployment of a prompt template."""


class NewCodeDeployment(DeploymentLabel, CodeBody, InScope):
    """A deployment of a function or an AI service."""


class NewDeployment(RootModel[NewTunedDeployment | NewPromptDeployment | NewCodeDeployment]):
    """A deployment of a tuned model, of a prompt template or of stored code."""


class _Operation(BaseModel):
    op: Literal["replace", "add"]


class _NewText(_Operation):
    path: Literal["/name", "/description"]
    value: str


class _NewTags(_Operation):
    path: Literal["/tags"]
    value: list[str]


class _Id(BaseModel):
    id: str


class _NewAsset(_Operation):
    path: Literal["/asset"]
    value: _Id


class _ServingName(BaseModel):
    serving_name: str = Field(pattern="^[A-Za-z0-9_-]{1,36}$")


class _NewServingName(_Operation):
    path: Literal["/online/parameters"]
    value: _ServingName


class DeploymentPatch(RootModel[list[_NewText | _NewTags | _NewAsset | _NewServingName]]):
    """A JSON patch of a deployment."""


class OfModel(InScope):
    """A body that names a base model, if the address names no deployment."""

    model_id: str | None = None


class GenerationRequest(OfModel):
    """A request of text generation."""

    input: str
    parameters: GenerationParams | None = None


class _Part(BaseModel):
    type: Literal["text"]
    text: str


class _CalledFunction(BaseModel):
    name: str
    arguments: str = "{}"


class _Call(BaseModel):
    id: str
    type: Literal["function"]
    function: _CalledFunction


class _Message(BaseModel):
    role: Literal[ROLES]  # type: ignore[valid-type]  # the roles are a constant
    content: str | list[_Part]
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None


class _Function(BaseModel):
    name: str = Field(pattern="^[A-Za-z0-9_.-]{1,64}$")
    description: str | None = None
    parameters: JSON | None = None


class _Tool(BaseModel):
    type: Literal["function"]
    function: _Function


class _ResponseFormat(BaseModel):
    type: Literal["text", "json_object"]


class ChatRequest(OfModel):
    """A request of a chat."""

    messages: list[_Message] = Field(min_length=1)
    max_tokens: int | None = Field(None, ge=0)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=5)
    n: int | None = Field(None, ge=1, le=8)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    logit_bias: dict[str, float] | None = None
    tools: list[_Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | JSON | None = None
    tool_choice_option: Literal["none", "auto", "required"] | None = None
    response_format: _ResponseFormat | JSON | None = None
    guided_choice: list[str] | None = None
    guided_regex: str | None = None
    guided_grammar: str | None = None
    guided_json: JSON | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    include_reasoning: bool | None = None
    chat_template_kwargs: JSON | None = None
    context: str | None = None


class _Spelled(BaseModel):
    return_tokens: bool | None = None


class TokenizationRequest(OfModel):
    """A request of tokenization."""

    input: str
    parameters: _Spelled | None = None


# Answers.


class Token(BaseModel):
    """IBM Cloud's token, or its own envelope of a refusal."""

    access_token: str
    token_type: str
    expires_in: int
    expiration: int


class _Href(BaseModel):
    href: str


class Page(BaseModel):
    """A page of a list."""

    limit: int
    first: _Href
    next: _Href | None = None
    total_count: int | None = None
    resources: list[JSON]


class Resource(BaseModel):
    """A training, a model, a deployment, a project or a space."""

    metadata: JSON
    entity: JSON


class Asset(Resource):
    """An asset."""

    attachments: list[JSON]
    href: str


class Assets(BaseModel):
    """A part of the list of assets."""

    total_rows: int
    results: list[Asset]
    next: JSON | None = None


class Attachment(BaseModel):
    """An attachment."""

    attachment_id: str
    name: str
    mime: str
    size: int
    transfer_completed: bool


class _Result(BaseModel):
    generated_text: str
    generated_token_count: int
    input_token_count: int
    stop_reason: str


class GenerationAnswer(BaseModel):
    """The answer of text generation."""

    model_id: str
    created_at: str
    results: list[_Result]


class _Choice(BaseModel):
    index: int
    message: JSON
    finish_reason: str | None


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatAnswer(BaseModel):
    """The answer of a chat."""

    id: str
    model_id: str
    created: int
    choices: list[_Choice]
    usage: _Usage


class _Tokens(BaseModel):
    token_count: int
    tokens: list[str] | None = None


class TokenizationAnswer(BaseModel):
    """The answer of tokenization."""

    model_id: str
    result: _Tokens


# The refusal.


class _Target(BaseModel):
    type: Literal["field", "parameter", "header"]
    name: str


class _Error(BaseModel):
    code: str = Field(min_length=1)
    message: str = Field(min_length=1)
    more_info: str
    target: _Target | None = None


class Envelope(BaseModel):
    """The service's error envelope."""

    errors: list[_Error] = Field(min_length=1, max_length=1)
    trace: str = Field(pattern="^[0-9a-f]{32}$")
    status_code: int = Field(ge=400, le=599)


class IdentityRefusal(BaseModel):
    """The identity service's own error envelope."""

    errorCode: str = Field(min_length=1)  # noqa: N815  # the service's name
    errorMessage: str = Field(min_length=1)  # noqa: N815  # the service's name
    context: JSON
