"""Software and hardware specifications, over plain REST and through IBM's SDK."""

from __future__ import annotations

from pathlib import Path

import pytest
from ibm_watsonx_ai import APIClient, Credentials
from ibm_watsonx_ai.wml_client_error import WMLClientError
from service_rest import Rest, refusal

from tunesmith_emulator import Emulator
from tunesmith_emulator.specifications.base import BASES

SOFTWARE = "/v2/software_specifications"
RUNTIME = "runtime-24.1-py3.11"
RUNTIME_ID = "45f12dfe-aa78-5b8d-9f38-0ee223c47309"  # as IBM's API reference shows it


@pytest.fixture
def client(emulator: Emulator) -> APIClient:
    """IBM's client of a space."""
    return APIClient(Credentials(**emulator.credentials), space_id="a-space")


def test_each_of_the_services_own_has_an_id_of_its_own() -> None:
    bases = [base for family in BASES.values() for base in family]
    assert len({base.id for base in bases}) == len(bases)
    assert {base.name: base.id for base in bases}[RUNTIME] == RUNTIME_ID


def test_the_sdk_finds_them_by_name(client: APIClient) -> None:
    software, hardware = client.software_specifications, client.hardware_specifications
    assert software.get_id_by_name(RUNTIME) == RUNTIME_ID
    found = software.get_details(RUNTIME_ID)
    assert found["metadata"]["name"] == RUNTIME
    platform = found["entity"]["software_specification"]["software_configuration"]["platform"]
    assert platform == {"name": "python", "version": "3.11"}
    listed = software.list()
    assert dict(zip(listed.NAME, listed.STATE, strict=True))[RUNTIME] == "supported"
    small = hardware.get_id_by_name("S")
    assert hardware.get_details(small)["metadata"]["name"] == "S"
    assert set(hardware.list().NAME) >= {"XS", "S", "M", "L"}
    with pytest.raises(WMLClientError, match="unheard-of"):
        software.get_id_by_name("unheard-of")


def test_the_sdk_adds_a_package_extension_to_a_specification(
    client: APIClient, tmp_path: Path
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("name: python311\n")
    extensions, software = client.package_extensions, client.software_specifications
    names = extensions.ConfigurationMetaNames
    stored = extensions.store({names.NAME: "packages", names.TYPE: "conda_yml"}, str(file))
    extension = extensions.get_id(stored)
    assert extensions.get_id_by_name("packages") == extension
    assert list(extensions.list().NAME) == ["packages"]
    extensions.download(extension, str(tmp_path / "back.yaml"))
    assert (tmp_path / "back.yaml").read_text() == file.read_text()

    told = software.ConfigurationMetaNames
    base = {told.NAME: "mine", told.BASE_SOFTWARE_SPECIFICATION: {"guid": RUNTIME_ID}}
    mine = software.get_id(software.store(base))
    assert software.get_id_by_name("mine") == mine
    assert dict(zip(*software.list()[["NAME", "TYPE"]].T.values, strict=True))["mine"] == "derived"

    software.add_package_extension(mine, extension)
    software.add_package_extension(mine, extension)
    entity = software.get_details(mine)["entity"]["software_specification"]
    assert entity["package_extensions"] == [{"guid": extension}]
    assert entity["base_software_specification"] == {"guid": RUNTIME_ID}
    software.delete_package_extension(mine, extension)
    assert (
        software.get_details(mine)["entity"]["software_specification"]["package_extensions"] == []
    )
    software.delete(mine)
    extensions.delete(extension)
    with pytest.raises(WMLClientError):
        software.get_id_by_name("mine")


def test_their_states_are_told_as_early_versions_of_the_sdk_ask(rest: Rest) -> None:
    body = {"name": "mine", "base_software_specification": {"guid": RUNTIME_ID}}
    ident = rest.post(SOFTWARE, body)["metadata"]["asset_id"]
    results = rest.get("/ml/v4/list/software_specifications")["results"]
    assert {one["id"]: one["state"] for one in results}.items() >= {
        (RUNTIME_ID, "supported"),
        (ident, "supported"),
    }


def test_one_project_does_not_see_those_of_another(rest: Rest) -> None:
    body = {"name": "mine", "base_software_specification": {"guid": RUNTIME_ID}}
    ident = rest.post(SOFTWARE, body)["metadata"]["asset_id"]
    assert rest.get(SOFTWARE, name="mine")["total_results"] == 1
    assert rest.get(SOFTWARE, name="mine", project_id="another")["total_results"] == 0
    refusal(rest.ask("GET", f"{SOFTWARE}/{ident}", project_id="another"), 404)
    assert rest.get(f"{SOFTWARE}/{RUNTIME_ID}", project_id="another")["metadata"]["name"] == RUNTIME


def test_refusals(rest: Rest) -> None:
    nameless = {"base_software_specification": {"guid": RUNTIME_ID}}
    assert refusal(rest.ask("POST", SOFTWARE, nameless), 400)["target"]["name"] == "name"
    field = "base_software_specification.guid"
    for base in ({}, {"base_software_specification": {"guid": "unheard-of"}}):
        refused = refusal(rest.ask("POST", SOFTWARE, {"name": "mine", **base}), 400)
        assert refused["target"]["name"] == field
    refusal(rest.ask("DELETE", f"{SOFTWARE}/{RUNTIME_ID}"), 403)
    hardware = next(base.id for base in BASES["hardware"])
    refusal(rest.ask("GET", f"{SOFTWARE}/{hardware}"), 404)
    extension = rest.post("/v2/package_extensions", {"name": "p", "type": "conda_yml"})
    path = f"/v2/package_extensions/{extension['metadata']['asset_id']}"
    assert refusal(rest.ask("POST", f"{path}/upload_complete"), 400)["code"] == "no_bytes"
    refusal(rest.ask("PUT", f"{SOFTWARE}/{RUNTIME_ID}/package_extensions/unheard-of"), 404)
    mine = rest.post(SOFTWARE, {"name": "mine", **nameless})["metadata"]["asset_id"]
    known = extension["metadata"]["asset_id"]
    refusal(rest.ask("DELETE", f"{SOFTWARE}/{mine}/package_extensions/{known}"), 404)
