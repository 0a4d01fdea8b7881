"""Clients behind the proxy: the emulator, served downloads, refusals and hang-ups."""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import requests

from tunesmith_emulator.run.downloads import parse_downloads
from tunesmith_emulator.run.proxy import Proxy

EMULATOR = "https://us-south.ml.cloud.ibm.com/ml/v1/x?version=2026-01-01"
ECHO = "us-south.ml.cloud.ibm.com /ml/v1/x?version=2026-01-01"
NODE = """
const [host, path] = process.argv.slice(1), {hostname, port} = new URL(process.env.HTTPS_PROXY);
const ask = require('http').request({hostname, port, method: 'CONNECT', path: host + ':443'});
ask.on('connect', (reply, socket) => require('https').get(
  {host, path, headers: {host},
   createConnection: () => require('tls').connect({socket, servername: host})},
  (answer) => answer.on('data', (data) => process.stdout.write(data))));
ask.end();
"""

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="no node")


def by_httpx(url):
    return httpx.get(url).text


def by_requests(url):
    return requests.get(url, timeout=30).text


def by_urllib(url):
    # urlopen would remember the proxy of the first test.
    with urllib.request.build_opener().open(url, timeout=30) as answer:
        return answer.read().decode()


def by_curl(url):
    return subprocess.check_output(["curl", "-sS", url], text=True)


def by_node(url):
    parts = httpx.URL(url)
    path = parts.raw_path.decode()
    return subprocess.check_output(["node", "-e", NODE, parts.host, path], text=True)


clients = pytest.mark.parametrize(
    "get",
    [
        by_httpx,
        by_requests,
        by_urllib,
        pytest.param(by_curl, marks=needs_curl),
        pytest.param(by_node, marks=needs_node),
    ],
)


@clients
def test_a_client_reaches_the_emulator_under_ibms_name(inside, get):
    assert get(EMULATOR) == ECHO
    assert not list(inside.traffic.lines(parse_downloads([])))


@clients
def test_a_client_gets_a_served_download_from_its_file(inside, served, get):
    assert get(inside.served_url) == served.read_text()
    assert inside.traffic.answered == {inside.served_url: 1}


def test_a_served_download_has_its_media_type(inside, served):
    answer = httpx.get(inside.served_url)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(served.stat().st_size)


def test_head_has_the_headers_of_get_and_no_body(inside, served):
    answer = httpx.head(inside.served_url)
    assert answer.headers["content-length"] == str(served.stat().st_size)
    assert not answer.content
    assert not inside.traffic.answered.total()


def test_a_file_is_read_when_it_is_asked_for(inside, served):
    served.write_bytes(b"x" * 1_000_000)
    assert len(httpx.get(inside.served_url).content) == 1_000_000


def test_one_connection_carries_many_requests(inside, served):
    with httpx.Client() as http:
        texts = {http.get(inside.served_url).text for _ in range(5)}
        status = http.get(inside.served_url + ".bak").status_code
        texts.add(http.get(inside.served_url).text)
    assert texts == {served.read_text()}
    assert status == 404
    assert inside.traffic.answered == {inside.served_url: 6}


def test_plain_http_is_answered_too(inside, served):
    assert by_urllib("http://plain.test/a.csv") == served.read_text()
    assert httpx.get("http://plain.test/a.csv?x=1").text == served.read_text()


def test_an_unknown_path_of_a_served_host_is_404_and_names_the_nearest(inside):
    url = inside.served_url.replace("train", "trian")
    answer = httpx.get(url)
    assert answer.status_code == 404
    assert inside.served_url in answer.text
    assert inside.traffic.unknown == {url: 1}


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_any_other_host_is_refused_with_its_whole_url_and_the_remedy(inside, scheme):
    url = f"{scheme}://files.elsewhere.test/a/b.json?x=1"
    answer = httpx.get(url)
    assert answer.status_code == 403
    assert f"--serve {url}=FILE" in answer.text
    assert inside.traffic.refused == {url: 1}


def test_clients_that_show_only_the_reason_show_the_remedy(inside):
    with pytest.raises(urllib.error.HTTPError, match="--serve URL=FILE") as caught:
        by_urllib("https://elsewhere.test/x")
    caught.value.close()


def test_requests_to_other_hosts_are_refused_and_not_recorded(inside):
    answer = httpx.post("https://telemetry.test/v1", content=b"x" * 300_000)
    assert answer.status_code == 403
    assert inside.traffic.refused == {"POST https://telemetry.test/v1": 1}


def test_a_body_that_waits_to_be_asked_for_is_refused_too(inside):
    answer = httpx.put(
        "https://telemetry.test/v1", content=b"x" * 10, headers={"Expect": "100-continue"}
    )
    assert answer.status_code == 403


def test_ibms_hosts_on_another_port_are_no_emulator(inside):
    assert httpx.get("https://us-south.ml.cloud.ibm.com:8443/x").status_code == 403


def test_a_host_that_no_certificate_can_name_is_refused(inside):
    with pytest.raises(httpx.ProxyError, match="--serve"):
        httpx.get("https://not_a_name!.test/x")
    assert inside.traffic.refused.total() == 1


def test_a_client_that_does_not_trust_the_authority_is_reported_at_the_end(inside, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(httpx.ConnectError):
        httpx.get("https://elsewhere.test/x")
    # The proxy learns it after the client does.
    monkeypatch.setenv("SSL_CERT_FILE", str(inside.bundle))
    httpx.get(inside.served_url)
    assert inside.traffic.broken_off == {"https://elsewhere.test": 1}


def test_the_proxy_itself_is_no_web_site(inside):
    with httpx.Client(trust_env=False) as http:
        assert http.get(inside.proxy.url).status_code == 400


def test_an_emulator_that_is_gone_is_named(authority, served, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with (
        Proxy(port, authority, parse_downloads([])) as proxy,
        httpx.Client(proxy=proxy.url, trust_env=False) as http,
        pytest.raises(httpx.ProxyError, match="Emulator is gone"),
    ):
        http.get(EMULATOR)


def test_many_connections_at_once(inside, served):
    trusted = ssl.create_default_context(cafile=str(inside.bundle))

    def both(number):
        with httpx.Client(verify=trusted) as http:
            return http.get(f"{EMULATOR}&n={number}").text, http.get(inside.served_url).text

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(both, range(128)))
    assert answers == [(f"{ECHO}&n={n}", served.read_text()) for n in range(128)]
    assert inside.traffic.answered == {inside.served_url: 128}


def test_a_large_body_passes_both_ways(inside):
    body = bytes(range(256)) * 40_000
    assert httpx.post("https://iam.cloud.ibm.com/x", content=body).content == body


@pytest.mark.parametrize("sent", [b"", b"CONNECT", b"\x16\x03\x01 no http\r\n\r\n"])
def test_a_client_that_hangs_up_or_sends_no_http_does_not_affect_others(inside, served, sent):
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", httpx.URL(inside.proxy.url).port)) as client:
            client.sendall(sent)
    assert by_httpx(inside.served_url) == served.read_text()


@pytest.mark.parametrize("host", ["us-south.ml.cloud.ibm.com", "raw.example-host.test"])
def test_a_client_that_hangs_up_in_a_tunnel_does_not_affect_others(inside, served, host):
    with socket.create_connection(("127.0.0.1", httpx.URL(inside.proxy.url).port)) as client:
        client.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert by_httpx(EMULATOR) == ECHO
    assert by_httpx(inside.served_url) == served.read_text()


def test_nothing_is_left_behind_even_of_open_connections(upstream, served):
    downloads = parse_downloads([f"https://example.test/a={served}"])
    trusted = ssl.create_default_context(cadata=upstream.authority.ca_pem.decode())
    with Proxy(upstream.port, upstream.authority, downloads) as proxy:
        port = httpx.URL(proxy.url).port
        http = httpx.Client(proxy=proxy.url, verify=trusted, trust_env=False)
        http.get(EMULATOR)
        http.get("https://example.test/a")
        idle = socket.create_connection(("127.0.0.1", port))
    assert not [thread for thread in threading.enumerate() if "emulator-proxy" in thread.name]
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass
    http.close()
    idle.close()
    gc.collect()


def test_a_connection_that_comes_while_the_block_ends_is_closed(upstream):
    for _ in range(50):
        with Proxy(upstream.port, upstream.authority, parse_downloads([])) as proxy:
            last = socket.create_connection(("127.0.0.1", httpx.URL(proxy.url).port))
        with last:
            assert closed(last)
    gc.collect()


def closed(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_async_clients_pass_too(inside):
    async def ask():
        async with httpx.AsyncClient() as http:
            return [answer.text for answer in await asyncio.gather(*map(http.get, [EMULATOR] * 20))]

    assert asyncio.run(ask()) == [ECHO] * 20


def test_the_served_rows_can_be_read(inside):
    assert json.loads(by_requests(inside.served_url))[0]["output"] == "1"
