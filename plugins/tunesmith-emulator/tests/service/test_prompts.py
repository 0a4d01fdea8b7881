"""Prompt templates and their deployments, by the real SDK."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from service_rest import MODEL_ID, Rest, refusal

from tunesmith_emulator import Emulator

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's imports cause warnings
    from ibm_watsonx_ai import APIClient, Credentials
    from ibm_watsonx_ai.foundation_models.prompts import (
        ChatPrompt,
        DetachedPromptTemplate,
        FreeformPromptTemplate,
        PromptTemplate,
        PromptTemplateManager,
    )
    from ibm_watsonx_ai.foundation_models.utils.enums import PromptTemplateFormats
    from ibm_watsonx_ai.wml_client_error import WMLClientError

# What IBM's own tests of the SDK expect of the service.
SUMMARY = {
    "instruction": "Write a summary",
    "input_prefix": "Text",
    "output_prefix": "Summary",
    "examples": [["Text1", "Summary1"]],
}
RENDERED = "Write a summary\n\nText Text1\nSummary Summary1\n\nText {animal} barks\nSummary"


@pytest.fixture
def manager(sdk: Any) -> PromptTemplateManager:
    return PromptTemplateManager(api_client=sdk)


def structured(**changed: Any) -> PromptTemplate:
    given = {"name": "Animals", "model_id": MODEL_ID, "input_text": "{animal} barks"}
    variables = {"input_variables": ["animal"]}
    return PromptTemplate(**{**given, **variables, **SUMMARY, **changed})


def test_a_template_comes_back_as_it_was_stored(manager: PromptTemplateManager) -> None:
    stored = manager.store_prompt(structured(description="of dogs", task_ids=["summarization"]))
    assert stored.is_template
    loaded = manager.load_prompt(stored.prompt_id)
    assert isinstance(loaded, PromptTemplate)
    assert {name: getattr(loaded, name) for name in SUMMARY} == SUMMARY
    assert (loaded.input_text, loaded.model_id) == ("{animal} barks", MODEL_ID)
    assert list(loaded.input_variables) == ["animal"]
    assert (loaded.description, loaded.task_ids) == ("of dogs", ["summarization"])


def test_a_template_becomes_a_text(manager: PromptTemplateManager) -> None:
    ident = manager.store_prompt(structured()).prompt_id
    assert manager.load_prompt(ident, PromptTemplateFormats.STRING) == RENDERED
    filled = manager.load_prompt(
        ident, PromptTemplateFormats.STRING, prompt_variables={"animal": "Bob"}
    )
    assert filled == RENDERED.replace("{animal}", "Bob")
    free = FreeformPromptTemplate("f", MODEL_ID, input_text="Say {a}.", input_variables=["a"])
    ident = manager.store_prompt(free).prompt_id
    assert manager.load_prompt(ident, PromptTemplateFormats.STRING) == "Say {a}."


def test_an_update_replaces_what_it_names(manager: PromptTemplateManager) -> None:
    ident = manager.store_prompt(structured()).prompt_id
    manager.update_prompt(ident, PromptTemplate(name="New", instruction="Be brief"))
    assert manager.load_prompt(ident).name == "New"
    text = manager.load_prompt(ident, PromptTemplateFormats.STRING)
    assert text == RENDERED.replace("Write a summary", "Be brief")


def test_templates_are_listed_newest_first(manager: PromptTemplateManager) -> None:
    made = [manager.store_prompt(structured(name=f"n{i}")).prompt_id for i in range(3)]
    assert list(manager.list()["ID"]) == made[::-1]
    assert list(manager.list(limit=1)["NAME"]) == ["n2"]


def test_a_stored_template_is_locked_until_it_is_unlocked(manager: PromptTemplateManager) -> None:
    ident = manager.store_prompt(structured()).prompt_id
    assert manager.get_lock(ident)["locked"]
    with pytest.raises(WMLClientError, match="is locked"):
        manager.delete_prompt(ident)
    assert not manager.unlock(ident)["locked"]
    assert manager.lock(ident)["locked"]
    assert manager.delete_prompt(ident, force=True) == "SUCCESS"
    assert manager.list().empty


def test_chat_and_detached_templates(manager: PromptTemplateManager) -> None:
    turn = {"type": "question", "content": "Who?", "status": "ready", "timestamp": 1}
    chat = manager.store_prompt(
        ChatPrompt(name="c", model_id=MODEL_ID, system_prompt="Be kind.", chat_items=[turn])
    )
    answer = {"type": "answer", "content": "Me.", "status": "ready", "timestamp": 2}
    assert manager.add_chat_items(chat.prompt_id, [answer]) == "SUCCESS"
    loaded = manager.load_prompt(chat.prompt_id)
    assert isinstance(loaded, ChatPrompt)
    assert [item["content"] for item in loaded.chat_items] == ["Who?", "Me."]
    detached = DetachedPromptTemplate(
        name="d", model_id="far/away", input_text="hi", detached_prompt_id="p",
        detached_model_id="m", detached_model_provider="x",
    )  # fmt: skip
    loaded = manager.load_prompt(manager.store_prompt(detached).prompt_id)
    assert isinstance(loaded, DetachedPromptTemplate)
    assert loaded.detached_model_provider == "x"


def test_refusals(rest: Rest) -> None:
    def stored(**body: Any) -> dict[str, Any]:
        return refusal(rest.ask("POST", "/wx/v1/prompts", body), 400)

    assert stored(name="n")["target"]["name"] == "prompt"
    assert stored(name="n", prompt={})["target"]["name"] == "prompt.model_id"
    wrong = {"model_id": "m", "data": {"examples": [["one"]]}}
    assert stored(name="n", prompt=wrong)["target"]["name"] == "prompt.data.examples"
    assert (
        refusal(rest.ask("GET", "/wx/v1/prompts/none"), 404)["code"] == "prompt_template_not_found"
    )
    made = rest.post("/wx/v1/prompts", {"name": "n", "prompt": {"model_id": "m"}})
    path = f"/wx/v1/prompts/{made['id']}"
    assert refusal(rest.ask("PUT", f"{path}/lock", {"locked": False}), 400)
    assert refusal(rest.ask("GET", path, project_id="another"), 404)
    deployment = {"name": "d", "online": {}, "prompt_template": {"id": made["id"]}}
    error = refusal(rest.ask("POST", "/ml/v4/deployments", deployment), 404)
    assert error["code"] == "model_not_supported"


@pytest.fixture
def answering(local: Emulator, impatient: None) -> Iterator[APIClient]:
    """A client of an emulator whose base model generates."""
    yield APIClient(Credentials(**local.credentials), project_id=local.project_id)
    gc.collect()  # what the SDK leaves open complains now, in its own test


def deployed(client: APIClient, template: Any) -> str:
    names = client.deployments.ConfigurationMetaNames
    stored = PromptTemplateManager(api_client=client).store_prompt(template)
    details = client.deployments.create(
        stored.prompt_id, {names.NAME: "served prompt", names.ONLINE: {}}
    )
    assert details["entity"]["prompt_template"] == {"id": stored.prompt_id}
    assert details["entity"]["base_model_id"] == MODEL_ID
    ident: str = details["metadata"]["id"]
    return ident


def test_a_deployment_fills_the_variables_in(answering: APIClient) -> None:
    ident = deployed(answering, structured(model_params={"min_new_tokens": 3, "max_new_tokens": 3}))
    params = {"prompt_variables": {"animal": "Bob"}, "return_options": {"input_text": True}}
    answer = answering.deployments.generate(ident, params=params)["results"][0]
    assert answer["generated_text"].startswith(RENDERED.replace("{animal}", "Bob"))
    assert answer["generated_token_count"] == 3
    fewer = params | {"min_new_tokens": 2, "max_new_tokens": 2}
    answer = answering.deployments.generate(ident, params=fewer)["results"][0]
    assert answer["generated_token_count"] == 2


def test_a_changed_template_answers_at_once(answering: APIClient) -> None:
    ident = deployed(answering, structured())
    manager = PromptTemplateManager(api_client=answering)
    (prompt_id,) = manager.list()["ID"]
    manager.update_prompt(prompt_id, PromptTemplate(instruction="Be brief"))
    params = {"prompt_variables": {"animal": "Bob"}, "return_options": {"input_text": True}}
    assert answering.deployments.generate_text(ident, params=params).startswith("Be brief")


def test_a_variable_without_value_or_default_is_refused(
    answering: APIClient, local: Emulator, rest_for: Callable[..., Rest]
) -> None:
    variables = {"animal": {"default_value": "Rex"}, "place": {}}
    text = "{animal} barks at the {place}, {not_a_variable}"
    template = structured(input_text=text, input_variables=variables, validate_template=False)
    path = f"/ml/v1/deployments/{deployed(answering, template)}/text/generation"
    rest = rest_for(local)
    error = refusal(rest.ask("POST", path, {"parameters": {"prompt_variables": {}}}), 400)
    assert "must have place" in error["message"]
    assert refusal(rest.ask("POST", path, {"input": "hello"}), 400)["target"]["name"] == "input"
    asked = {"prompt_variables": {"place": "door"}, "return_options": {"input_text": True}}
    answer = rest.post(path, {"parameters": asked})["results"][0]["generated_text"]
    assert "Rex barks at the door, {not_a_variable}" in answer


def test_a_chat_prompt_begins_the_chat(answering: APIClient, local: Emulator) -> None:
    plain = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]
    ident = deployed(answering, ChatPrompt(name="c", model_id=MODEL_ID, system_prompt="Be kind."))
    inference = answering.deployments
    answer = inference.chat(ident, messages=plain[1:])
    assert answer["usage"]["prompt_tokens"] > 0
    from ibm_watsonx_ai.foundation_models import ModelInference

    model = ModelInference(model_id=MODEL_ID, api_client=answering)
    expected = model.chat(messages=plain)
    assert answer["choices"] == expected["choices"]
    assert answer["usage"] == expected["usage"]


def test_a_deployed_template_is_kept(answering: APIClient) -> None:
    deployed(answering, structured())
    manager = PromptTemplateManager(api_client=answering)
    (prompt_id,) = manager.list()["ID"]
    with pytest.raises(WMLClientError, match="is deployed"):
        manager.delete_prompt(prompt_id, force=True)
