"""WebSockets through the tunnel."""
import asyncio
import base64
import hashlib
import os

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatusCode

from harness import network


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


def test_a_revoked_user_is_cut_off(make_world):
    """Not at the next message: at once."""
    own = make_world()

    def switch(one):
        one.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: " + accept(one.head.get("Sec-WebSocket-Key")) + b"\r\n\r\n")
        one.stream.ended(30)
        return False
    own.raw.on("/socket", switch)
    with own.node.browser() as browser:
        browser.sign_in(own.node.url("guarded") + "x", "bob", "bob-demo-password")
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.client.cookies.jar
                           if one.domain.startswith("guarded"))

    async def work():
        url = own.node.url("guarded").replace("https", "wss") + "socket"
        async with websockets.connect(url, ssl=network.trusting(own.node.ca), extra_headers={"Cookie": cookie},
                                      ping_interval=None) as socket:
            await asyncio.get_running_loop().run_in_executor(None, own.control.expect, "revoke", "user", "bob")
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)
    talk(work())


def accept(key):
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
