"""An origin that answers the opening of a WebSocket with success has not opened one, and nobody is told that it has."""
import json

import pytest

from harness.wire import raw_client


@pytest.fixture(params=[200, 204, 299])
def answered(world, request):
    """The path of an origin that takes the opening for an ordinary GET."""
    fields = "" if request.param == 204 else "Content-Length: 2\r\n"
    content = "" if request.param == 204 else "hi"
    world.raw.on("/no-socket", lambda e: e.send(f"HTTP/1.1 {request.param} Fine\r\n{fields}\r\n{content}".encode()))
    yield "/no-socket"
    world.raw.handlers.pop("/no-socket")


def test_over_http1(world, answered):
    with raw_client(world.node.port, "raw.localhost", world.node.ca) as client:
        client.send("\r\n".join([f"GET {answered} HTTP/1.1", f"Host: raw.localhost:{world.node.port}", "Connection: Upgrade",
                                 "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                                 "Accept: application/problem+json"]) + "\r\n\r\n")
        head, body = client.answer()
    assert head.status == 502 and json.loads(body)["cause"] == "origin_malformed"


def test_over_http2(world, answered, connect_http2):
    client = connect_http2(careless=True)
    client.wait(lambda: client.state.remote_settings.enable_connect_protocol == 1)
    fields = [(":method", "CONNECT"), (":protocol", "websocket"), *client.fields(answered)[1:],
              ("sec-websocket-version", "13"), ("accept", "application/problem+json")]
    answer = client.answer(client.send(fields=fields, ended=False))
    assert answer.status == 502 and json.loads(answer.content)["cause"] == "origin_malformed"
