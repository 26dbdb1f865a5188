"""WebSockets through the tunnel."""
import asyncio
import base64
import hashlib
import os

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatusCode

from harness import network
from harness.http2 import http2_client
from harness.published import application_toml, group_toml
from harness.wire import raw_client


def address(world, name, path="chat/socket"):
    return world.url(name, path).replace("https", "wss")


def options(world, browser=None, **more):
    headers = {}
    if browser is not None:
        headers["Cookie"] = "; ".join(f"{one.name}={one.value}" for one in browser.client.cookies.jar
                                      if one.domain.startswith("intranet"))
    return {"ssl": network.trusting(world.node.ca), "extra_headers": headers, "max_size": 64 << 20, **more}


def talk(work):
    return asyncio.run(asyncio.wait_for(work, 60))


def test_messages_come_back_in_order(world):
    async def work():
        async with websockets.connect(address(world, "public"), **options(world)) as socket:
            for number in range(200):
                await socket.send(f"message {number}")
            for number in range(200):
                assert await socket.recv() == f"message {number}"
    talk(work())


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 1_000_000, 8_000_000])
def test_messages_of_every_size_come_back(world, size):
    async def work():
        data = os.urandom(size)
        async with websockets.connect(address(world, "public"), **options(world)) as socket:
            await socket.send(data)
            assert await socket.recv() == data
    talk(work())


def test_a_signed_in_user_may_connect(world):
    with world.signed_in("intranet") as browser:
        async def work():
            async with websockets.connect(address(world, "intranet"), **options(world, browser)) as socket:
                await socket.send("hello")
                assert await socket.recv() == "hello"
        talk(work())


def test_nobody_else_may(world):
    async def work():
        with pytest.raises(InvalidStatusCode) as refused:
            await websockets.connect(address(world, "intranet"), **options(world))
        assert refused.value.status_code == 401
    talk(work())


def test_the_subprotocol_is_agreed_by_the_ends(world):
    async def work():
        async with websockets.connect(address(world, "public"),
                                      **options(world, subprotocols=["other", "echo.v1"])) as socket:
            assert socket.subprotocol == "echo.v1"
    talk(work())


def test_close_codes_travel(world):
    async def work():
        async with websockets.connect(address(world, "public"), **options(world)) as socket:
            await socket.send("close 4001")
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 4001 and socket.close_reason == "as you wish"
    talk(work())


def test_an_origin_that_has_no_socket_there_says_so(world):
    async def work():
        with pytest.raises(InvalidStatusCode) as refused:
            await websockets.connect(address(world, "public", "status/404"), **options(world))
        assert refused.value.status_code == 404
    talk(work())


def test_many_sockets_at_once(world):
    async def one(number):
        async with websockets.connect(address(world, "public"), **options(world)) as socket:
            for _ in range(20):
                await socket.send(str(number))
                assert await socket.recv() == str(number)

    async def work():
        await asyncio.gather(*(one(number) for number in range(40)))
    talk(work())


def published_otherwise(own, name, assigned=("user:bob",), **keys):
    own.control.apply(group_toml("main") + application_toml(name, own.node.url(name), own.raw.url, "main",
                                                            assigned=list(assigned), **keys))


NO_LONGER = {
    "the user is revoked": ("guarded", lambda own: own.control.expect("revoke", "user", "bob")),
    "the user is not assigned": ("guarded", lambda own: published_otherwise(own, "guarded", ["user:alice"])),
    "another issuer signs in": ("guarded", lambda own: published_otherwise(own, "guarded", issuer="https://login.example")),
    "the application is in maintenance": ("guarded", lambda own: published_otherwise(own, "guarded", maintenance=True)),
    "the application is gone": ("guarded", lambda own: own.control.expect("delete", "application", "guarded")),
    "signing in is needed": ("app", lambda own: published_otherwise(own, "app")),
}


@pytest.mark.parametrize("what", NO_LONGER)
def test_who_may_no_longer_is_cut_off(make_world, what):
    """Not at the next message: at once."""
    own = make_world()
    name, change = NO_LONGER[what]

    def switch(one):
        one.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: " + accept(one.head.get("Sec-WebSocket-Key")) + b"\r\n\r\n")
        one.stream.ended(30)
        return False
    own.raw.on("/socket", switch)
    cookie = ""
    if name == "guarded":
        with own.node.browser() as browser:
            browser.sign_in(own.node.url(name) + "x", "bob", "bob-demo-password")
            cookie = "; ".join(f"{one.name}={one.value}" for one in browser.client.cookies.jar
                               if one.domain.startswith(name))

    async def work():
        url = own.node.url(name).replace("https", "wss") + "socket"
        async with websockets.connect(url, ssl=network.trusting(own.node.ca), extra_headers={"Cookie": cookie},
                                      ping_interval=None) as socket:
            await asyncio.get_running_loop().run_in_executor(None, change, own)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)
    talk(work())


# Frames as bytes (RFC 6455, section 5.2), from the user's side; masked by zeros, which leaves what they carry readable.

def from_user(first, payload, mask=b"\0\0\0\0"):
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big") if size < 65536 else \
        b"\xff" + size.to_bytes(8, "big")
    return bytes([first]) + length + mask + payload


FRAMES = {
    "text in three frames": from_user(0x01, b"a") + from_user(0x00, b"b") + from_user(0x80, b"c"),
    "a ping within a message": from_user(0x01, b"a") + from_user(0x89, b"ping") + from_user(0x80, b"b"),
    "an unasked pong": from_user(0x8a, b"pong"),
    "an empty ping": from_user(0x89, b""),
    "a large frame": from_user(0x82, bytes(range(256)) * 1024),
    "no text at all": from_user(0x81, b"\xff\xfe\x80"),
    "text that is cut within a character": from_user(0x01, b"\xe2\x82") + from_user(0x80, b"\xac"),
    "compressed": from_user(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
    "reserved bits": from_user(0xb2, b"x"),
    "an opcode that nobody knows": from_user(0x8b, b"x"),
    "masked": from_user(0x81, b"hello", b"\x11\x22\x33\x44"),
    "not masked": b"\x81\x05hello",
    "close without a code": from_user(0x88, b""),
    "close with a code of one's own": from_user(0x88, b"\x0f\xa1as you wish"),
    "close with half a code": from_user(0x88, b"\x03"),
    "bytes behind close": from_user(0x88, b"\x03\xe8") + b"more",
    "half a frame": b"\x81\xfe\x01",
}


@pytest.fixture(scope="module")
def echoing(world):
    """An origin that sends every byte back, and says what it has agreed to."""
    def switch(one):
        asked = one.head
        one.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                 + accept(asked.get("Sec-WebSocket-Key")) + b"\r\nSec-WebSocket-Protocol: second\r\nSet-Cookie: a=b; HttpOnly\r\n"
                 b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10\r\nSec-WebSocket-Version: 13\r\n\r\n")
        while True:
            if not one.stream.buffer and not one.stream.fill():
                return False
            one.send(one.stream.buffer)
            one.stream.buffer = b""
    world.raw.on("/frames", switch)
    yield world
    world.raw.handlers.pop("/frames")


OFFER = [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Protocol", "first, second"),
         ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits; server_no_context_takeover, x-own")]


class http1_socket:
    """A WebSocket opened over HTTP/1.1."""

    def __init__(self, world):
        self.client = raw_client(world.node.port, "raw.localhost", world.node.ca)
        self.client.send("\r\n".join(["GET /frames HTTP/1.1", f"Host: raw.localhost:{world.node.port}", "Connection: keep-alive, Upgrade",
                                      "Upgrade: WebSocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                                      *(f"{name}: {value}" for name, value in OFFER)]) + "\r\n\r\n")
        head = self.client.head()
        assert head.status == 101 and head.get("Upgrade").lower() == "websocket"
        assert head.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        self.get = head.get

    def echo(self, data):
        self.client.send(data)
        return self.client.stream.exactly(len(data))

    def close(self):
        self.client.stream.close()


class http2_socket:
    """The same over HTTP/2 (RFC 8441)."""

    def __init__(self, world):
        self.client = http2_client(world.node.port, "raw.localhost", world.node.ca)
        self.client.wait(lambda: self.client.state.remote_settings.enable_connect_protocol)
        fields = self.client.fields("/frames", "CONNECT", more=[(name.lower(), value) for name, value in OFFER])
        self.stream = self.client.send(fields=[(":protocol", "websocket"), *fields], ended=False)
        self.answer = self.client.answers[self.stream]
        self.client.wait(lambda: self.answer.fields)
        assert self.answer.status == 200 and self.answer.get("sec-websocket-accept") is None
        self.get = lambda name: self.answer.get(name.lower())

    def echo(self, data):
        before = len(self.answer.content)
        self.client.send_content(self.stream, data)
        self.client.wait(lambda: len(self.answer.content) >= before + len(data))
        return self.answer.content[before:]

    def close(self):
        self.client.close()


@pytest.fixture(params=[http1_socket, http2_socket], ids=["http1", "http2"])
def opened(request, echoing):
    one = request.param(echoing)
    yield one
    one.close()


def test_what_the_ends_agree_on_at_the_opening_passes(echoing, opened):
    assert opened.get("Sec-WebSocket-Protocol") == "second"
    assert opened.get("Sec-WebSocket-Extensions") == "permessage-deflate; client_max_window_bits=10"
    assert opened.get("Set-Cookie") == "a=b; HttpOnly"
    seen = echoing.raw.last("/frames")
    for name, value in OFFER:
        assert seen.all(name) == [value]


@pytest.mark.parametrize("name", FRAMES)
def test_frames_pass_untouched(opened, name):
    assert opened.echo(FRAMES[name]) == FRAMES[name]


def accept(key):
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
