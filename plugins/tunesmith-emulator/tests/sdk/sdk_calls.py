"""One call of each method, and whether its result is as the SDK documents it.

A method without a call here counts as one that does not answer.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from sdk_artifacts import ARTIFACTS
from sdk_batches import BATCHES
from sdk_code import CODE
from sdk_models import MODELS
from sdk_on_cpd import ON_CPD
from sdk_world import EMBEDDING_ID, MODEL_ID, World, printed

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's imports cause warnings
    from ibm_watsonx_ai.foundation_models import Embeddings, ModelInference, Rerank
    from ibm_watsonx_ai.foundation_models.embeddings.base_embeddings import BaseEmbeddings
    from ibm_watsonx_ai.foundation_models.moderations import Guardian
    from ibm_watsonx_ai.foundation_models.prompts import ChatPrompt, PromptTemplate
    from ibm_watsonx_ai.foundation_models.utils import Toolkit
    from ibm_watsonx_ai.helpers import DataConnection

Call = Callable[[World], Any]
CHAT = [{"role": "user", "content": "Hello"}]
SHORT = {"max_new_tokens": 4}
FEW = {"max_tokens": 4}
TURN = {"type": "question", "content": "Who?", "status": "ready", "timestamp": 1}


def _ids(found: Any) -> set[str]:
    return {spec["model_id"] for spec in found["resources"]}


def _is_text(found: Any) -> bool:
    return isinstance(found, str)


def _generated(answer: Any) -> bool:
    return isinstance(answer["results"][0]["generated_text"], str)


def _chosen(answer: Any) -> bool:
    return isinstance(answer["choices"][0]["message"]["content"], str)


def _chunks(parts: Any) -> bool:
    return bool(parts) and any(part["choices"] for part in parts)


def _texts(parts: Any) -> bool:
    return all(isinstance(part, str) for part in list(parts))


def _specs(name: str, expected: str | None) -> Call:
    """Return the call of a list of models, which has ``expected``, or is empty."""

    def call(w: World) -> bool:
        found = getattr(w.client.foundation_models, name)()
        listed = _ids(found) if found else set()
        return expected in listed if expected else not listed

    return call


MANAGER: dict[str, Call] = {
    "foundation_models.get_model_specs": _specs("get_model_specs", MODEL_ID),
    "foundation_models.get_text_generation_model_specs": _specs(
        "get_text_generation_model_specs", MODEL_ID
    ),
    "foundation_models.get_chat_model_specs": _specs(
        "get_chat_model_specs", "ibm/granite-3-8b-instruct"
    ),
    "foundation_models.get_chat_function_calling_model_specs": lambda w: isinstance(
        w.client.foundation_models.get_chat_function_calling_model_specs()["resources"], list
    ),
    "foundation_models.get_embeddings_model_specs": _specs(
        "get_embeddings_model_specs", EMBEDDING_ID
    ),
    "foundation_models.get_rerank_model_specs": _specs("get_rerank_model_specs", EMBEDDING_ID),
    "foundation_models.get_model_specs_with_prompt_tuning_support": _specs(
        "get_model_specs_with_prompt_tuning_support", MODEL_ID
    ),
    "foundation_models.get_model_specs_with_lora_fine_tuning_support": _specs(
        "get_model_specs_with_lora_fine_tuning_support", "tunesmith/micro-granite"
    ),
    "foundation_models.get_model_lifecycle": lambda w: (
        w.client.foundation_models.get_model_lifecycle(MODEL_ID)[0]["id"] == "available"
    ),
    # Lists that are documented to hold what the service has: here none.
    **{
        f"foundation_models.{name}": _specs(name, None)
        for name in (
            "get_time_series_model_specs",
            "get_audio_chat_model_specs",
            "get_audio_transcriptions_model_specs",
            "get_base_foundation_model_deployable_specs",
            "get_model_specs_with_fine_tuning_support",
            "get_model_specs_with_qlora_fine_tuning_support",
        )
    },
}


def _closed(w: World) -> bool:
    model = ModelInference(model_id=MODEL_ID, api_client=w.own_client())
    return model.close_persistent_connection() is None


def _aclosed(w: World) -> bool:
    model = ModelInference(model_id=MODEL_ID, api_client=w.own_client())
    return w.wait(model.aclose_persistent_connection()) is None


def _moved(w: World) -> bool:
    w.model.set_api_client(w.client)
    return _is_text(w.model.generate_text("Hello"))


INFERENCE: dict[str, Call] = {
    "ModelInference.generate": lambda w: _generated(w.model.generate("Hello")),
    "ModelInference.agenerate": lambda w: _generated(w.wait(w.model.agenerate("Hello"))),
    "ModelInference.generate_text": lambda w: _is_text(w.model.generate_text("Hello")),
    "ModelInference.generate_text_stream": lambda w: _texts(w.model.generate_text_stream("Hello")),
    "ModelInference.agenerate_stream": lambda w: bool(w.collect(w.model.agenerate_stream("Hello"))),
    "ModelInference.chat": lambda w: _chosen(w.model.chat(CHAT, params=FEW)),
    "ModelInference.achat": lambda w: _chosen(w.wait(w.model.achat(CHAT, params=FEW))),
    "ModelInference.chat_stream": lambda w: _chunks(list(w.model.chat_stream(CHAT, params=FEW))),
    "ModelInference.achat_stream": lambda w: _chunks(
        w.collect(w.model.achat_stream(CHAT, params=FEW))
    ),
    "ModelInference.tokenize": lambda w: (
        len(w.model.tokenize("Hello you", return_tokens=True)["result"]["tokens"]) > 1
    ),
    "ModelInference.get_details": lambda w: w.model.get_details()["model_id"] == MODEL_ID,
    "ModelInference.get_identifying_params": lambda w: (
        w.model.get_identifying_params()["model_id"] == MODEL_ID
    ),
    "ModelInference.close_persistent_connection": _closed,
    "ModelInference.aclose_persistent_connection": _aclosed,
    "ModelInference.set_api_client": _moved,
    "Embeddings.close_persistent_connection": lambda w: (
        Embeddings(model_id=EMBEDDING_ID, api_client=w.own_client()).close_persistent_connection()
        is None
    ),
    "Embeddings.generate": lambda w: (
        len(w.embedding.generate(["a", "b"])["results"][1]["embedding"]) > 1
    ),
    "Embeddings.agenerate": lambda w: (
        w.wait(w.embedding.agenerate(["a"]))["results"] == w.embedding.generate(["a"])["results"]
    ),
    "Embeddings.embed_documents": lambda w: len(w.embedding.embed_documents(["a", "b"])) == 2,
    "Embeddings.aembed_documents": lambda w: (
        len(w.wait(w.embedding.aembed_documents(["a", "b"]))) == 2
    ),
    "Embeddings.embed_query": lambda w: isinstance(w.embedding.embed_query("a")[0], float),
    "Embeddings.aembed_query": lambda w: isinstance(
        w.wait(w.embedding.aembed_query("a"))[0], float
    ),
    "Embeddings.to_dict": lambda w: w.embedding.to_dict()["model_id"] == EMBEDDING_ID,
    "Embeddings.from_dict": lambda w: isinstance(
        BaseEmbeddings.from_dict(w.embedding.to_dict(), api_client=w.client), type(w.embedding)
    ),
    "Rerank.generate": lambda w: (
        Rerank(model_id=EMBEDDING_ID, api_client=w.client).generate("dog", ["cat", "a dog"])[
            "results"
        ][0]["index"]
        == 1
    ),
    "Guardian.detect": lambda w: (
        Guardian(w.client, {"pii": {}}).detect("a@b.com")["detections"][0]["detection"]
        == "EmailAddress"
    ),
    "Toolkit.get_tools": lambda w: len(Toolkit(w.client).get_tools()) > 1,
    "Toolkit.get_tool": lambda w: Toolkit(w.client).get_tool("Weather").name == "Weather",
}


def _turns(w: World) -> bool:
    stored = w.prompts.store_prompt(ChatPrompt(name="c", model_id=MODEL_ID, chat_items=[TURN]))
    added = w.prompts.add_chat_items(stored.prompt_id, [TURN])
    return added == "SUCCESS" and len(w.prompts.load_prompt(stored.prompt_id).chat_items) == 2


def _renamed(w: World) -> bool:
    ident = w.new_prompt()
    w.prompts.update_prompt(ident, PromptTemplate(name="new"))
    return bool(w.prompts.load_prompt(ident).name == "new")


def _locked_again(w: World) -> bool:
    ident = w.new_prompt()
    w.prompts.unlock(ident)
    return bool(w.prompts.lock(ident)["locked"])


PROMPTS: dict[str, Call] = {
    "PromptTemplateManager.store_prompt": lambda w: _is_text(w.new_prompt()),
    "PromptTemplateManager.load_prompt": lambda w: (
        w.prompts.load_prompt(w.new_prompt(), "string", prompt_variables={"a": "hi"}) == "Say hi"
    ),
    "PromptTemplateManager.list": lambda w: w.new_prompt() in set(w.prompts.list()["ID"]),
    "PromptTemplateManager.update_prompt": _renamed,
    "PromptTemplateManager.delete_prompt": lambda w: (
        w.prompts.delete_prompt(w.new_prompt(), force=True) == "SUCCESS"
    ),
    "PromptTemplateManager.get_lock": lambda w: w.prompts.get_lock(w.new_prompt())["locked"],
    "PromptTemplateManager.lock": _locked_again,
    "PromptTemplateManager.unlock": lambda w: not w.prompts.unlock(w.new_prompt())["locked"],
    "PromptTemplateManager.add_chat_items": _turns,
}


def _cancelled(w: World) -> bool:
    tuner = w.new_tuner()
    tuner.run([DataConnection(data_asset_id=w.asset)], background_mode=True)
    tuner.cancel_run()
    return tuner.get_run_status() in {"canceled", "completed"}


TUNER: dict[str, Call] = {
    "PromptTuner.run": lambda w: w.tuner.get_run_details()["metadata"]["id"] == w.training,
    "PromptTuner.get_run_status": lambda w: w.tuner.get_run_status() == "completed",
    "PromptTuner.get_run_details": lambda w: (
        w.tuner.get_run_details()["entity"]["status"]["state"] == "completed"
    ),
    "PromptTuner.get_params": lambda w: w.tuner.get_params()["num_epochs"] == 2,
    "PromptTuner.get_model_id": lambda w: _is_text(w.tuner.get_model_id()),
    "PromptTuner.get_data_connections": lambda w: len(w.tuner.get_data_connections()) == 1,
    "PromptTuner.summary": lambda w: "loss" in w.tuner.summary().columns,
    "PromptTuner.cancel_run": _cancelled,
}


def _served(w: World) -> Any:
    return w.client.deployments


def _removed(w: World) -> bool:
    return bool(_served(w).delete(w.new_deployment("to_delete")) == "SUCCESS")


def _aremoved(w: World) -> bool:
    return bool(w.wait(_served(w).adelete(w.new_deployment("to_adelete"))) == "SUCCESS")


def _changed(w: World) -> bool:
    changed = _served(w).update(w.deployment, {"name": "renamed"})
    return bool(changed["entity"]["name"] == "renamed")


def _achanged(w: World) -> bool:
    changed = w.wait(_served(w).aupdate(w.deployment, {"name": "renamed again"}))
    return bool(changed["entity"]["name"] == "renamed again")


DEPLOYMENTS: dict[str, Call] = {
    "deployments.create": lambda w: _is_text(w.deployment),
    "deployments.acreate": lambda w: (
        w.wait(_served(w).acreate(w.model_asset, w.deployed_as("made_async")))["entity"]["status"][
            "state"
        ]
        == "ready"
    ),
    "deployments.get_details": lambda w: w.details["entity"]["status"]["state"] == "ready",
    "deployments.aget_details": lambda w: (
        w.wait(_served(w).aget_details(w.deployment))["metadata"]["id"] == w.deployment
    ),
    "deployments.list": lambda w: w.deployment in set(_served(w).list()["ID"]),
    "deployments.get_id": lambda w: _served(w).get_id(w.details) == w.deployment,
    "deployments.get_uid": lambda w: _served(w).get_uid(w.details) == w.deployment,
    "deployments.get_href": lambda w: w.deployment in _served(w).get_href(w.details),
    "deployments.get_scoring_href": lambda w: (
        w.deployment in _served(w).get_scoring_href(w.details)
    ),
    "deployments.is_serving_name_available": lambda w: (
        _served(w).is_serving_name_available("served" if w.deployment else "") is False
    ),
    "deployments.ais_serving_name_available": lambda w: w.wait(
        _served(w).ais_serving_name_available("nobody_has_it")
    ),
    "deployments.update": _changed,
    "deployments.aupdate": _achanged,
    "deployments.delete": _removed,
    "deployments.adelete": _aremoved,
    "deployments.generate": lambda w: _generated(_served(w).generate(w.deployment, "Hello")),
    "deployments.agenerate": lambda w: _generated(
        w.wait(_served(w).agenerate(w.deployment, "Hello"))
    ),
    "deployments.generate_text": lambda w: _is_text(
        _served(w).generate_text(w.deployment, "Hello")
    ),
    "deployments.generate_text_stream": lambda w: _texts(
        _served(w).generate_text_stream(w.deployment, "Hello")
    ),
    "deployments.agenerate_stream": lambda w: bool(
        w.collect(_served(w).agenerate_stream(w.deployment, "Hello"))
    ),
    "deployments.chat": lambda w: _chosen(_served(w).chat(w.deployment, CHAT)),
    "deployments.achat": lambda w: _chosen(w.wait(_served(w).achat(w.deployment, CHAT))),
    "deployments.chat_stream": lambda w: _chunks(list(_served(w).chat_stream(w.deployment, CHAT))),
    "deployments.achat_stream": lambda w: _chunks(
        w.collect(_served(w).achat_stream(w.deployment, CHAT))
    ),
}


def _assets(w: World) -> Any:
    return w.client.data_assets


def _stored(w: World) -> dict[str, Any]:
    names = _assets(w).ConfigurationMetaNames
    return {names.NAME: "rows", names.DATA_CONTENT_NAME: str(w.rows)}


ASSETS: dict[str, Call] = {
    "data_assets.create": lambda w: _is_text(w.asset),
    "data_assets.acreate": lambda w: (
        w.wait(_assets(w).acreate("rows.json", str(w.rows)))["metadata"]["asset_type"]
        == "data_asset"
    ),
    "data_assets.store": lambda w: _is_text(_assets(w).store(_stored(w))["metadata"]["asset_id"]),
    "data_assets.astore": lambda w: _is_text(
        w.wait(_assets(w).astore(_stored(w)))["metadata"]["asset_id"]
    ),
    "data_assets.get_details": lambda w: (
        _assets(w).get_details(w.asset)["metadata"]["asset_id"] == w.asset
    ),
    "data_assets.aget_details": lambda w: (
        w.wait(_assets(w).aget_details(w.asset))["metadata"]["asset_id"] == w.asset
    ),
    "data_assets.get_id": lambda w: _assets(w).get_id(_assets(w).get_details(w.asset)) == w.asset,
    "data_assets.get_href": lambda w: (
        w.asset in _assets(w).get_href(_assets(w).get_details(w.asset))
    ),
    "data_assets.list": lambda w: w.asset in set(_assets(w).list()["ASSET_ID"]),
    "data_assets.get_content": lambda w: _assets(w).get_content(w.asset) == w.rows.read_bytes(),
    "data_assets.aget_content": lambda w: (
        w.wait(_assets(w).aget_content(w.asset)) == w.rows.read_bytes()
    ),
    "data_assets.download": lambda w: _is_text(_assets(w).download(w.asset, str(w.named(".json")))),
    "data_assets.adownload": lambda w: _is_text(
        w.wait(_assets(w).adownload(w.asset, str(w.named(".json"))))
    ),
    "data_assets.delete": lambda w: _assets(w).delete(w.new_asset()) == "SUCCESS",
    "data_assets.adelete": lambda w: w.wait(_assets(w).adelete(w.new_asset())) == "SUCCESS",
}


def _training(w: World) -> Any:
    return w.client.training


# Of a training under way: the log of an ended one is in object storage, which is not emulated.
def _logs(w: World) -> bool:
    with w.slow_trainings():
        begun = w.new_training()
        return "INFO: completed" in printed(lambda: _training(w).monitor_logs(begun))


def _alogs(w: World) -> bool:
    with w.slow_trainings():
        begun = w.new_training()
        told = printed(lambda: w.wait(_training(w).amonitor_logs(begun)))
    return "INFO: completed" in told


TRAINING: dict[str, Call] = {
    "training.run": lambda w: _is_text(w.new_training()),
    "training.arun": lambda w: _is_text(
        w.wait(_training(w).arun(w.training_body))["metadata"]["id"]
    ),
    "training.get_details": lambda w: (
        _training(w).get_details(w.training)["metadata"]["id"] == w.training
    ),
    "training.aget_details": lambda w: (
        w.wait(_training(w).aget_details(w.training))["metadata"]["id"] == w.training
    ),
    "training.get_status": lambda w: _training(w).get_status(w.training)["state"] == "completed",
    "training.aget_status": lambda w: (
        w.wait(_training(w).aget_status(w.training))["state"] == "completed"
    ),
    "training.get_metrics": lambda w: len(_training(w).get_metrics(w.training)) > 1,
    "training.aget_metrics": lambda w: len(w.wait(_training(w).aget_metrics(w.training))) > 1,
    "training.get_id": lambda w: (
        _training(w).get_id(_training(w).get_details(w.training)) == w.training
    ),
    "training.get_href": lambda w: (
        w.training in _training(w).get_href(_training(w).get_details(w.training))
    ),
    "training.list": lambda w: w.training in set(_training(w).list()["ID (training)"]),
    "training.cancel": lambda w: _training(w).cancel(w.new_training()) == "SUCCESS",
    "training.acancel": lambda w: w.wait(_training(w).acancel(w.new_training())) == "SUCCESS",
    "training.delete": lambda w: _training(w).delete(w.new_training()) is None,
    "training.adelete": lambda w: w.wait(_training(w).adelete(w.new_training())) is None,
    "training.monitor_logs": _logs,
    "training.amonitor_logs": _alogs,
    "training.monitor_metrics": lambda w: (
        "'loss'" in printed(lambda: _training(w).monitor_metrics(w.training))
    ),
    "training.amonitor_metrics": lambda w: (
        "'loss'" in printed(lambda: w.wait(_training(w).amonitor_metrics(w.training)))
    ),
    "training.list_intermediate_models": lambda w: (
        _training(w).list_intermediate_models(w.training) is None
    ),
}


def _repository(w: World) -> Any:
    return w.client.repository


REPOSITORY: dict[str, Call] = {
    "repository.get_details": lambda w: (
        _repository(w).get_details(w.model_asset)["metadata"]["id"] == w.model_asset
    ),
    "repository.aget_details": lambda w: (
        w.wait(_repository(w).aget_details(w.model_asset))["metadata"]["id"] == w.model_asset
    ),
    "repository.get_model_details": lambda w: (
        _repository(w).get_model_details(w.model_asset)["metadata"]["id"] == w.model_asset
    ),
    "repository.aget_model_details": lambda w: (
        w.wait(_repository(w).aget_model_details(w.model_asset))["metadata"]["id"] == w.model_asset
    ),
    "repository.get_model_id": lambda w: (
        _repository(w).get_model_id(_repository(w).get_model_details(w.model_asset))
        == w.model_asset
    ),
    "repository.get_model_href": lambda w: _is_text(
        _repository(w).get_model_href(_repository(w).get_model_details(w.model_asset))
    ),
    "repository.list_models": lambda w: w.model_asset in set(_repository(w).list_models()["ID"]),
    "repository.list": lambda w: w.model_asset in set(_repository(w).list()["ID"]),
}

CALLS: dict[str, Call] = {
    **MANAGER, **INFERENCE, **PROMPTS, **TUNER, **DEPLOYMENTS, **ASSETS, **TRAINING,
    **REPOSITORY, **ARTIFACTS, **MODELS, **CODE, **BATCHES, **ON_CPD,
}  # fmt: skip
