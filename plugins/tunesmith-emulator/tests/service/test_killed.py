"""After ``kill -9``, the next start has all acknowledged objects and no incomplete ones."""

from __future__ import annotations

import random
import socket
import ssl
import time

import httpx
import pytest
from service_process import Process
from service_rest import VERSION, refusal

UPLOAD = b'[{"input": "half of it'


@pytest.fixture
def serve(tmp_path, plugin_path):
    """Start the emulator on one data directory, again and again."""
    running = []

    def started(backend="sklearn", *more, port=0):
        running.append(Process(tmp_path / "data", backend, plugin_path, *more, port=port))
        return running[-1]

    yield started
    for process in running:
        process.kill()


@pytest.fixture
def client_of():
    made = []

    def client(process, **given):
        made.append(process.rest(**given))
        return made[-1]

    yield client
    for each in made:
        each.http.close()


@pytest.mark.slow
def test_a_tuning_resumes_from_its_checkpoint_three_times(serve, client_of):
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    process = serve("local")
    client = client_of(process)
    training = client.train(client.upload(), num_epochs=14)
    client.reaches(f"/ml/v4/trainings/{training}", "running")
    client.learned(training)
    for _ in range(3):
        time.sleep(moments.uniform(0, 0.3))
        process.kill()
        process = serve("local")
        client = client_of(process)
    done = client.ended(training)
    metrics = done["entity"]["status"]["metrics"]
    epochs = [entry["ml_metrics"]["epoch"] for entry in metrics]
    assert epochs == [epoch for epoch in range(14) for _ in range(2)], f"seed {seed}"
    iterations = [entry["iteration"] for entry in metrics]
    assert iterations == sorted(iterations)
    ident = client.deploy(done["entity"]["model_id"])
    client.ready(ident)
    assert client.generate(ident)


def test_a_tuning_that_cannot_be_resumed_has_failed_with_a_reason(serve, client_of):
    process = serve("stubborn")
    client = client_of(process)
    asset = client.upload()
    first, second = client.train(asset, num_epochs=50), client.train(asset, num_epochs=1)
    client.reaches(f"/ml/v4/trainings/{first}", "running")
    process.kill()
    client = client_of(serve("stubborn"))
    (error,) = client.ended(first, "failed")["entity"]["status"]["failure"]["errors"]
    assert "was stopped during this tuning" in error["message"]
    assert "create the training again" in error["message"]
    client.ended(second)  # it had not begun


def test_everything_acknowledged_is_there_again(serve, client_of):
    process = serve("slow", "--api-key", "right")
    client = client_of(process, api_key="right")
    asset = client.upload()
    model = client.tuned(num_epochs=1)
    deployment = client.deploy(model, "kept")
    client.ready(deployment)
    running = client.train(asset, num_epochs=50)
    queued = [client.train(asset, num_epochs=1) for _ in range(3)]
    client.reaches(f"/ml/v4/trainings/{running}", "running")
    authority, token = process.ca_file.read_bytes(), client.token
    process.kill()

    # The same port, certificate and token: a client need not notice.
    again = serve("stubborn", "--api-key", "right", port=process.port)
    assert again.port == process.port
    assert again.ca_file.read_bytes() == authority
    assert client.get(f"/v2/assets/{asset}")["attachments"][0]["transfer_completed"]
    assert client.token == token
    shown = client.get("/ml/v4/trainings")["resources"]
    assert {running, *queued} < {training["metadata"]["id"] for training in shown}
    assert client.get(f"/ml/v4/deployments/{deployment}")["entity"]["asset"]["id"] == model
    assert client.get("/ml/v4/deployments", serving_name="kept")["resources"]
    client.ended(running, "failed")
    for training in queued:
        client.ended(training)


def test_an_interrupted_upload_leaves_no_file(serve, client_of, tmp_path):
    process = serve()
    client = client_of(process)
    asset = client.asset()
    announced = client.attach(asset)
    arriving = tmp_path / "data" / "arriving"
    context = ssl.create_default_context(cafile=str(process.ca_file))
    target = httpx.URL(announced["url1"]).raw_path.decode()
    raw = socket.create_connection(("127.0.0.1", process.port))
    with context.wrap_socket(raw, server_hostname="127.0.0.1") as half:
        head = f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
        half.sendall(head.encode() + UPLOAD)
        until = time.monotonic() + 10
        while not any(arriving.iterdir()) and time.monotonic() < until:
            time.sleep(0.02)
        assert any(arriving.iterdir())
        process.kill()

    client = client_of(serve())
    assert list(arriving.iterdir()) == []
    assert list((tmp_path / "data" / "assets").iterdir()) == []
    (attachment,) = client.get(f"/v2/assets/{asset}")["attachments"]
    assert (attachment["transfer_completed"], attachment["size"]) == (False, 0)
    refused = client.ask("POST", "/ml/v4/trainings", client.training_body(asset))
    assert "no uploaded file" in refusal(refused, 400)["message"]
    # The client may finish: the signed address is still good.
    place = httpx.URL(announced["url1"]).copy_with(port=httpx.URL(client.http.base_url).port)
    assert client.http.put(place, content=b"[]").status_code == 200


def test_a_deployment_under_way_becomes_ready_after_the_next_start(serve, client_of):
    process = serve()
    client = client_of(process)
    model = client.tuned()
    client.http.put("/_emulator/pace", json={"initializing": 60}).raise_for_status()
    deployment = client.deploy(model)
    state = client.get(f"/ml/v4/deployments/{deployment}")["entity"]["status"]["state"]
    assert state == "initializing"
    process.kill()
    client = client_of(serve())
    client.ready(deployment)
    assert client.generate(deployment)


def test_an_interrupted_training_is_resumed_at_the_next_start(serve, client_of):
    process = serve("local")
    client = client_of(process)
    training = client.train(client.upload(), num_epochs=8)
    client.reaches(f"/ml/v4/trainings/{training}", "running")
    assert process.stop() == 0
    log = process.errors.read_text()
    assert "continues at the next start" in log
    assert "Traceback" not in log
    client_of(serve("local")).ended(training)


def test_a_client_that_hangs_up_in_mid_request_does_not_affect_others(serve, client_of, tmp_path):
    process = serve()
    client = client_of(process)
    announced = client.attach(client.asset())
    context = ssl.create_default_context(cafile=str(process.ca_file))
    place = httpx.URL(announced["url1"]).raw_path.decode()
    token = f"Authorization: Bearer {client.token}"
    targets = (f"PUT {place}", f"POST /ml/v4/trainings?version={VERSION['version']}")
    for line in targets:
        raw = socket.create_connection(("127.0.0.1", process.port))
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as half:
            head = f"{line} HTTP/1.1\r\nHost: x\r\n{token}\r\nContent-Length: 1000\r\n\r\n"
            half.sendall(head.encode() + UPLOAD)
    assert client.healthy()
    until = time.monotonic() + 10
    while any((tmp_path / "data" / "arriving").iterdir()) and time.monotonic() < until:
        time.sleep(0.02)
    assert list((tmp_path / "data" / "arriving").iterdir()) == []
    process.stop()
    assert "Traceback" not in process.errors.read_text()
