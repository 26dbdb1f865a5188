"""WebSocket over HTTP/2 at the edge (RFC 8441)."""
import base64
import hashlib


def accept(one):
    key = one.head.get("Sec-WebSocket-Key")
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def open_websocket(client, path, more=()):
    fields = [(":method", "CONNECT"), (":protocol", "websocket"), *client.fields(path)[1:],
              ("sec-websocket-version", "13"), ("origin", "https://x.example"), *more]
    return client.send(fields=fields, ended=False)


def test_websockets_are_byte_streams(world, connect_http2):
    def upgrade(one):
        assert one.head.method == "GET" and one.head.get("Upgrade") == "websocket"
        one.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSet-Cookie: a=b\r\n"
                 f"Sec-WebSocket-Protocol: echo\r\nSec-WebSocket-Accept: {accept(one)}\r\n\r\n".encode())
        while piece := one.stream.exactly(6):
            one.send(piece[::-1])
    world.raw.on("/h2-socket", upgrade)
    client = connect_http2(careless=True)
    client.wait(lambda: client.state.remote_settings.enable_connect_protocol == 1)
    stream = open_websocket(client, "/h2-socket", [("sec-websocket-protocol", "echo")])
    client.wait(lambda: client.answers[stream].fields)
    answer = client.answers[stream]
    assert answer.status == 200 and answer.get("sec-websocket-protocol") == "echo" and answer.get("set-cookie") == "a=b"
    assert answer.get("sec-websocket-accept") is None and answer.get("upgrade") is None
    for _ in range(3):
        client.send_content(stream, b"abcdef")
    client.wait(lambda: answer.content == b"fedcba" * 3)
    client.reset(stream)
    assert client.ask(world.raw.always("/h2-alive", body=b"alive")).content == b"alive"


def test_websockets_end_as_their_origin_does(world, connect_http2):
    def upgrade(one):
        one.send(f"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 f"Sec-WebSocket-Accept: {accept(one)}\r\n\r\nbye".encode())
        return False
    world.raw.on("/h2-short-socket", upgrade)
    client = connect_http2(careless=True)
    stream = open_websocket(client, "/h2-short-socket")
    answer = client.answer(stream)
    assert answer.status == 200 and answer.content == b"bye"


def test_an_origin_that_does_not_mean_websocket_is_no_websocket(world, connect_http2):
    world.raw.on("/h2-liar", lambda e: e.send(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                              b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"))
    world.raw.always("/h2-no-socket", status=404, body=b"none")
    client = connect_http2(careless=True)
    assert client.answer(open_websocket(client, "/h2-liar")).status == 502
    refused = client.answer(open_websocket(client, "/h2-no-socket"))
    assert refused.status == 404 and refused.content == b"none"
    guarded = connect_http2("guarded", careless=True)
    assert guarded.answer(open_websocket(guarded, "/h2-liar")).status == 401
