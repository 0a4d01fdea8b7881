"""The control plane: health, state, requests, reset, faults, pace and date."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time

import pytest
from service_rest import MODEL_ID, Rest, refusal

GENERATION = "POST /ml/v1/deployments/{deployment}/text/generation"


def test_health_loads_no_model(start, rest_for):
    running = start("local")
    with rest_for(running) as client:
        assert client.healthy()
    assert not running.services.engine.connected


def test_reset_makes_it_as_new(rest, emulator):
    rest.ready(rest.deploy(rest.tuned(), "taken"))
    emulator.fail("GET /v2/projects", status=500, times=None)
    emulator.set_pace(pending=9, running=9, initializing=9)
    rest.http.put("/_emulator/catalogue-date", json={"as_of": "2025-01-01"}).raise_for_status()
    assert rest.http.post("/_emulator/reset").json() == {"status": "ok"}
    state = rest.http.get("/_emulator/state").json()
    assert (state["trainings"], state["deployments"], state["as_of"]) == ([], [], None)
    assert rest.http.get("/_emulator/faults").json() == {"faults": []}
    assert set(rest.http.get("/_emulator/pace").json().values()) == {0.0}
    assert list(emulator.services.files.uploads.iterdir()) == []
    rest.ready(rest.deploy(rest.tuned(), "taken"))  # it works on, and the name is free


def test_reset_stops_a_running_tuning_and_those_that_wait(start, rest_for):
    client = rest_for(start("slow"))
    asset = client.upload()
    trainings = [client.train(asset, num_epochs=50) for _ in range(4)]
    client.reaches(f"/ml/v4/trainings/{trainings[0]}", "running")
    client.http.post("/_emulator/reset").raise_for_status()
    assert client.get("/ml/v4/trainings")["resources"] == []
    client.ended(client.train(client.upload(), num_epochs=1))


def test_a_local_emulator_tunes_again_after_a_reset(local, rest_for):
    client = rest_for(local)
    for _ in range(2):
        ident = client.deploy(client.tuned(num_epochs=1))
        client.ready(ident)
        client.generate(ident)
        local.reset()


def test_state_and_requests_record_the_events(rest, emulator):
    training = rest.train(rest.upload())
    rest.ended(training)
    state = rest.http.get("/_emulator/state").json()
    assert state["trainings"][0]["id"] == training
    seen = rest.http.get("/_emulator/requests").json()["requests"]
    assert {
        "POST /ml/v4/trainings",
        "PUT /v2/assets/{asset_id}/attachments/{attachment_id}/content",
    } <= {request["route"] for request in seen}
    assert not any("/_emulator" in request["path"] for request in seen)


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"route": ""},
        {"route": "GET *"},
        {"route": "GET *", "status": 200},
        {"route": "GET *", "status": 500, "drop": True},
        {"route": "GET *", "status": 500, "nth": 0},
        {"route": "GET *", "status": 500, "often": 3},
        {"route": "GET *", "delay": -1},
    ],
    ids=str,
)
def test_a_wrong_order_is_refused(rest, order):
    assert refusal(rest.http.post("/_emulator/faults", json=order), 400)


def test_a_fault_hits_the_calls_that_it_names(rest, emulator):
    emulator.fail("GET /v2/*", status=429, nth=2, times=2, retry_after=7)

    def ask():
        return rest.ask("GET", "/v2/projects")

    statuses = [ask().status_code for _ in range(4)]
    assert statuses == [200, 429, 429, 200]
    assert rest.ask("GET", "/ml/v4/trainings").is_success
    (listed,) = rest.http.get("/_emulator/faults").json()["faults"]
    assert listed["calls"] == 4
    assert rest.http.delete("/_emulator/faults").status_code == 204
    emulator.fail("GET /v2/projects", status=429, retry_after=7)
    limited = ask()
    assert refusal(limited, 429)["code"] == "too_many_requests"
    assert limited.headers["retry-after"] == "7"


def test_a_delay_waits_and_then_answers(rest, emulator):
    emulator.fail("GET /v2/projects", delay=0.3)
    started = time.monotonic()
    assert rest.ask("GET", "/v2/projects").is_success
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_dropped_connection_is_recorded_with_status_0(rest, emulator, method, caplog):
    import httpx

    path = {"GET": "/v2/projects", "POST": "/v2/assets"}[method]
    emulator.fail(f"{method} {path}", drop=True)
    with pytest.raises(httpx.TransportError):
        rest.ask(method, path, {"metadata": {"name": "a"}} if method == "POST" else None)
    assert [r["status"] for r in emulator.requests if r["path"] == path] == [0]
    assert rest.ask("GET", "/ml/v4/trainings").is_success
    assert caplog.text == ""


@pytest.fixture
def generating(rest, sdk, monkeypatch):
    from ibm_watsonx_ai.foundation_models import ModelInference

    ident = rest.deploy(rest.tuned())
    rest.ready(ident)
    return ModelInference(deployment_id=ident, api_client=sdk, delay_time=0.01, max_retries=2)


def calls(emulator, route):
    return [r["status"] for r in emulator.requests if r["route"] == route]


def test_the_sdk_retries_generation_after_429(generating, emulator):
    emulator.fail(GENERATION, status=429)
    assert generating.generate_text("gentle") in {"0", "1"}
    assert calls(emulator, GENERATION) == [429, 200]


def test_the_sdk_survives_a_dropped_connection(sdk, emulator):
    emulator.fail("GET /ml/v4/trainings", drop=True)
    assert sdk.training.get_details()["resources"] == []
    assert calls(emulator, "GET /ml/v4/trainings") == [0, 200]


@pytest.mark.parametrize(
    ("status", "tries"), [(400, 1), (401, 4), (403, 1), (404, 1), (429, 1), (500, 4), (503, 4)]
)
def test_a_status_surfaces_in_the_sdk_as_from_the_service(sdk, emulator, status, tries):
    from ibm_watsonx_ai.wml_client_error import ApiRequestFailure

    route = "GET /ml/v4/trainings"
    emulator.fail(route, status=status, times=None)
    with pytest.raises(ApiRequestFailure, match=f"Status code: {status}"):
        sdk.training.get_details()
    assert calls(emulator, route) == [status] * tries


def test_the_catalogue_is_served_as_of_a_day(rest, emulator):
    def ids():
        found = rest.get("/ml/v1/foundation_model_specs", filters="!lifecycle_withdrawn")
        return {spec["model_id"] for spec in found["resources"]}

    assert MODEL_ID in ids()
    day = {"as_of": "2026-01-01"}
    assert rest.http.put("/_emulator/catalogue-date", json=day).json() == day
    assert MODEL_ID not in ids()
    assert refusal(rest.http.put("/_emulator/catalogue-date", json={"as_of": "soon"}), 400)


def _own_address() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return None if address.startswith("127.") else address


def test_the_control_plane_answers_only_to_its_own_machine(start):
    address = _own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    running = start("sklearn", host="0.0.0.0")
    url = f"https://{address}:{running.port}"
    import httpx

    # The certificate is for loopback names; here the sender of the request matters.
    with httpx.Client(base_url=url, verify=False) as client:
        for method, path in (("GET", "health"), ("GET", "state"), ("POST", "reset")):
            assert refusal(client.request(method, f"/_emulator/{path}"), 403)["code"] == "forbidden"
    with Rest(running.url, running.ca_file, running.project_id) as rest:
        assert rest.healthy()


def test_another_page_in_the_browser_may_not_turn_it(rest):
    address = "/_emulator/reset"
    stranger = rest.http.post(address, headers={"Origin": "https://example.org"})
    assert refusal(stranger, 403)["code"] == "forbidden"
    own = str(rest.http.base_url).rstrip("/")
    assert rest.http.post(address, headers={"Origin": own}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil_1.example", "127.0.0.1.evil.example", "["])
def test_a_name_that_another_site_had_resolve_here_may_not_turn_it(rest, host):
    port = rest.http.base_url.port
    own = {"Host": f"{host}:{port}", "Origin": f"https://{host}:{port}"}
    for method, path in (("POST", "reset"), ("GET", "state")):
        stranger = rest.http.request(method, f"/_emulator/{path}", headers=own)
        assert refusal(stranger, 403)["code"] == "forbidden"
    assert rest.http.get("/_emulator/state", headers={"Host": own["Host"]}).status_code == 403


def test_further_hosts_can_be_admitted(start, rest_for):
    running = start("sklearn", allowed_hosts=["Tunes.example"])
    client = rest_for(running)
    for host, status in (
        ("tunes.example", 200),
        ("TUNES.EXAMPLE", 200),
        ("localhost", 200),
        ("127.0.0.1", 200),
        ("[::1]", 200),
        ("other.example", 403),
    ):
        headers = {"Host": f"{host}:{running.port}"}
        assert client.http.get("/_emulator/health", headers=headers).status_code == status, host
    context = ssl.create_default_context(cafile=running.ca_file)
    with (
        socket.create_connection(("127.0.0.1", running.port)) as plain,
        context.wrap_socket(plain, server_hostname="tunes.example"),
    ):
        pass  # its certificate is for this name too


@pytest.mark.parametrize("claim", ["foo", "192.0.2.1", "unix:", "[", ""])
def test_a_forwarded_address_is_no_failure(rest, claim):
    for path in ("health", "state"):
        answer = rest.http.get(f"/_emulator/{path}", headers={"X-Forwarded-For": claim})
        assert answer.status_code in {200, 403}
        assert answer.status_code == 403 or not claim


def test_many_requests_at_once_are_all_answered(rest):
    statuses = []

    def ask(number):
        statuses.append(rest.ask("POST", "/v2/assets", {"metadata": {"name": f"a{number}"}}))

    threads = [threading.Thread(target=ask, args=[number]) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in statuses} == {201}


def test_an_address_is_stored_in_short_form(rest, emulator):
    rest.ask("GET", "/" + "x" * 5000)
    assert len(emulator.requests[-1]["path"]) <= 500


SECRET = "sk-a-very-secret-key"


def test_a_temporary_emulator_has_no_key_in_a_file(start):
    running = start("sklearn")
    assert running.ca_file.is_file()
    assert not list(running.settings.data_dir.rglob("*.key"))


def test_no_secret_is_ever_shown(start, rest_for, caplog, capfd, tmp_path):
    running = start("sklearn", api_keys=(SECRET,), data_dir=tmp_path)
    client = rest_for(running, api_key=SECRET)
    client.ready(client.deploy(client.tuned()))
    running.fail("GET /v2/projects", status=500)
    answers = [client.ask("GET", "/v2/projects").text]
    wrong = client.http.get("/v2/projects", headers={"Authorization": f"Bearer {SECRET}"})
    answers.append(wrong.text)
    answers.append(client.http.post("/identity/token", data={"apikey": SECRET + "x"}).text)
    cpd = {"username": "me", "password": SECRET + "x"}
    answers.append(client.http.post("/icp4d-api/v1/authorize", json=cpd).text)
    for path in ("state", "requests", "credentials", "faults"):
        answers.append(client.http.get(f"/_emulator/{path}").text)
    answers.append(client.http.get("/").text)
    shown = " ".join(
        [*answers, repr(running), repr(running.settings), caplog.text, *capfd.readouterr()]
    )
    assert SECRET not in shown
    assert client.token not in shown
    signer = (running.services.files.authority / "token.key").read_text()
    assert signer not in shown
    for file in running.settings.data_dir.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file
    assert oct((running.services.files.authority / "token.key").stat().st_mode & 0o777) == "0o600"
    assert oct((running.services.files.authority / "ca.key").stat().st_mode & 0o777) == "0o600"
    assert re.search("[0-9a-f]{64}", signer)
