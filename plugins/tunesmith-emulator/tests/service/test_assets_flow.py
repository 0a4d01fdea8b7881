"""Data assets, projects and spaces, by the real SDK."""

from __future__ import annotations

from pathlib import Path

import pytest
from service_rest import refusal

CONTENT = b'[{"input": "h\xc3\xa9llo", "output": "1"}]\r\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.json"
    path.write_bytes(CONTENT)
    return path


def test_an_asset_is_created_shown_downloaded_and_deleted(sdk, file, tmp_path):
    asset = sdk.data_assets.create(name="rows.json", file_path=str(file))
    ident = sdk.data_assets.get_id(asset)
    details = sdk.data_assets.get_details(ident)
    assert details["metadata"]["name"] == "rows.json"
    assert details["metadata"]["size"] == len(CONTENT)

    sdk.data_assets.download(ident, str(tmp_path / "back.json"))
    assert (tmp_path / "back.json").read_bytes() == CONTENT

    assert sdk.data_assets.delete(ident) == "SUCCESS"
    from ibm_watsonx_ai.wml_client_error import ApiRequestFailure

    with pytest.raises(ApiRequestFailure, match="asset_not_found"):
        sdk.data_assets.get_details(ident)


def test_the_sdk_lists_every_page_of_assets(sdk, rest):
    names = {f"asset {number}" for number in range(7)}
    for name in names:
        rest.asset(name)
    body = {"query": "*:*", "limit": 3}
    found, pages = set(), 0
    while body:
        page = rest.post("/v2/asset_types/data_asset/search", body)
        found |= {asset["metadata"]["name"] for asset in page["results"]}
        body, pages = page.get("next"), pages + 1
    assert (found, pages) == (names, 3)
    assert set(sdk.data_assets.list()["NAME"]) == names


def test_an_empty_file_is_refused_and_leaves_nothing(sdk, tmp_path, emulator):
    empty = tmp_path / "empty.json"
    empty.write_bytes(b"")
    with pytest.raises(Exception, match=r"(?i)empty|failed"):
        sdk.data_assets.create(name="empty.json", file_path=str(empty))
    assert sdk.data_assets.get_details()["resources"] == []
    assert list(emulator.services.files.uploads.iterdir()) == []
    assert list(emulator.services.files.arriving.iterdir()) == []


def test_bytes_can_be_put_again_until_the_upload_is_complete(rest):
    asset = rest.asset()
    announced = rest.attach(asset)
    for content in (b"first", b"second"):
        assert rest.http.put(announced["url1"], content=content).status_code == 200
    place = f"/v2/assets/{asset}/attachments/{announced['attachment_id']}"
    assert refusal(rest.http.get(announced["url1"]), 404)["code"] == "attachment_incomplete"
    assert rest.post(f"{place}/complete", {})["size"] == len(b"second")
    assert rest.http.get(rest.get(place)["url"]).content == b"second"
    assert refusal(rest.http.put(announced["url1"], content=b"third"), 409)


def test_an_upload_without_bytes_cannot_be_completed(rest):
    asset = rest.asset()
    place = f"/v2/assets/{asset}/attachments/{rest.attach(asset)['attachment_id']}"
    assert refusal(rest.ask("POST", f"{place}/complete", {}), 400)["code"] == "no_bytes"


def test_a_signed_address_is_for_one_attachment_only(rest):
    asset = rest.asset()
    one, two = rest.attach(asset), rest.attach(asset)
    stolen = one["url1"].replace(one["attachment_id"], two["attachment_id"])
    assert refusal(rest.http.put(stolen, content=b"x"), 403)
    forged = one["url1"].partition("?")[0] + "?signature=%C3%A9"
    assert refusal(rest.http.put(forged, content=b"x"), 403)


def test_a_download_is_never_run_by_a_browser(rest):
    ident = rest.upload(b"<script>alert(1)</script>", name="page.html")
    attachment = rest.get(f"/v2/assets/{ident}")["attachments"][0]["id"]
    url = rest.get(f"/v2/assets/{ident}/attachments/{attachment}")["url"]
    assert rest.http.get(url).headers["content-disposition"].startswith("attachment")


def test_bytes_of_an_asset_that_was_deleted_meanwhile_do_not_stay(rest, emulator):
    asset = rest.asset()
    announced = rest.attach(asset)
    services = emulator.services
    services.assets.expect(asset, announced["attachment_id"])
    arriving = services.files.arriving / "late"
    arriving.write_bytes(b"late")
    rest.ask("DELETE", f"/v2/assets/{asset}").raise_for_status()
    services.assets.arrived(announced["attachment_id"], arriving)
    assert list(services.files.uploads.iterdir()) == []


def test_projects_and_spaces_are_there_when_they_are_asked_for(sdk, emulator):
    assert sdk.set.default_project("my-own-project") == "SUCCESS"
    assert sdk.projects.get_details("my-own-project")["metadata"]["guid"] == "my-own-project"
    assert emulator.project_id in set(sdk.projects.list()["ID"])
    assert sdk.set.default_space("my-space") == "SUCCESS"
    assert sdk.spaces.get_details("my-space")["metadata"]["id"] == "my-space"
    assert "my-space" in set(sdk.spaces.list()["ID"])


def test_each_project_and_space_lists_only_its_own_assets(rest, rest_for, emulator):
    ident = rest.upload()
    other = rest_for(emulator, "another-project")
    for method, path in (
        ("GET", f"/v2/assets/{ident}"),
        ("DELETE", f"/v2/assets/{ident}"),
        ("POST", f"/v2/assets/{ident}/attachments"),
    ):
        body = {"name": "x"} if method == "POST" else None
        assert refusal(other.ask(method, path, body), 404)["code"] == "asset_not_found"
    space = rest.http.get(f"/v2/assets/{ident}", params={"space_id": emulator.project_id})
    assert refusal(space, 404)
    refused = other.ask("POST", "/ml/v4/trainings", other.training_body(ident))
    assert refusal(refused, 404)["code"] == "asset_not_found"
    assert rest.get(f"/v2/assets/{ident}")["metadata"]["asset_id"] == ident
