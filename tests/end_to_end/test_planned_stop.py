"""A planned stop of a node or a connector: whoever is about to ask is answered, whoever is connected is told to go elsewhere."""
import asyncio
import signal
import socket
import threading
import time

import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from harness import network
from harness.http2 import http2_client
from harness.processes import connector, wait_until
from harness.wire import raw_client, stream

EVENT = b"id: 1\ndata: here\n\n"


def stopping(own):
    """Tells the node to stop; returns once it has begun to."""
    own.node.process.send(signal.SIGTERM)
    wait_until(lambda: "exchanges in hand finish first" in own.node.process.text(), "the node to begin its stop")


def start_again(own):
    assert own.node.process.wait() == 0
    own.node.start()


def ask(client, own, path="hello"):
    client.send(f"GET /{path} HTTP/1.1\r\nHost: app.localhost:{own.node.port}\r\n\r\n")
    return client.answer()


def test_a_connection_that_is_kept_alive_brings_one_more_request(make_world):
    own = make_world()
    with raw_client(own.node.port, "app.localhost", own.node.ca) as client:
        assert ask(client, own)[0].get("Connection") is None
        stopping(own)
        head, content = ask(client, own)
        assert head.status == 200 and content == b"hello" and head.get("Connection") == "close"
        assert client.ended()
    start_again(own)


def test_an_idle_connection_does_not_hold_up_the_stop(make_world):
    own = make_world()
    with raw_client(own.node.port, "app.localhost", own.node.ca) as client:
        ask(client, own)
        begun = time.monotonic()
        stopping(own)
        assert client.ended()
        assert own.node.process.wait() == 0
        assert time.monotonic() - begun < 10
    own.node.start()


def test_connections_that_nobody_has_accepted_yet_are_served(make_world):
    own = make_world()
    own.node.process.freeze()
    # The kernel completes them while the node stands still.
    plain = [socket.create_connection(("127.0.0.1", own.node.port), 20) for _ in range(12)]
    own.node.process.send(signal.SIGTERM)
    own.node.process.thaw()
    context, results = network.trusting(own.node.ca), []

    def serve(one):
        with context.wrap_socket(one, server_hostname="app.localhost") as secure:
            secure.sendall(f"GET /hello HTTP/1.1\r\nHost: app.localhost:{own.node.port}\r\n\r\n".encode())
            results.append(stream(secure).until(b"\r\n\r\n").split(b"\r\n")[0])
    asking = [threading.Thread(target=serve, args=(one,)) for one in plain]
    for one in asking:
        one.start()
    for one in asking:
        one.join(30)
    assert [line.split(b" ")[1] for line in results] == [b"200"] * len(plain), results
    start_again(own)


def test_nobody_new_gets_in(make_world):
    own = make_world()
    with raw_client(own.node.port, "app.localhost", own.node.ca) as client:
        ask(client, own)
        own.raw.on("/slow", lambda e: time.sleep(3) or e.answer(200, b"late"))
        client.send(f"GET /slow HTTP/1.1\r\nHost: app.localhost:{own.node.port}\r\n\r\n")
        wait_until(lambda: own.raw.count("/slow"), "the request to be at the origin")
        stopping(own)

        def refused():
            try:
                socket.create_connection(("127.0.0.1", own.node.port), 1).close()
            except ConnectionRefusedError:
                return True
            except TimeoutError:
                pass
            return False
        wait_until(refused, "the node to refuse connections", 5)
        assert client.answer()[1] == b"late"
    start_again(own)


def test_http2_is_told_before_it_is_left(make_world):
    own = make_world()
    with http2_client(own.node.port, "app.localhost", own.node.ca) as client:
        assert client.ask("/hello").status == 200
        stopping(own)
        client.wait(lambda: client.goaway is not None)
        # The first GOAWAY has no limit: what crosses it is served.
        assert client.ask("/hello").status == 200
    start_again(own)


# -- streams

def events(one):
    one.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        one.send(b"%x\r\n" % len(EVENT) + EVENT + b"\r\n")
        time.sleep(0.05)


def listen(own, seen):
    """Reads events to their end; the last thing in `seen` is how that was."""
    with own.node.browser() as client:
        try:
            with client.client.stream("GET", own.node.url("app") + "events") as answer:
                for piece in answer.iter_raw():
                    seen.append(piece)
            seen.append("ended")
        except Exception as problem:  # pylint: disable=broad-except
            seen.append(f"broken: {type(problem).__name__}")


@pytest.fixture(params=["node", "connector"])
def leaver(request, make_world, tmp_path):
    """A world, and what stops its node, or its first connector while there is a second one."""
    own = make_world()
    own.raw.on("/events", events)
    second = None
    if request.param == "connector":
        second = connector(own.node, tmp_path / "second", "second").enroll("main", own.control.enrolment_token("main"))
    yield own, request.param, second
    if request.param == "node":
        start_again(own)
    elif second.process is not None:
        assert second.stop() == 0


def leave(own, what, second):
    if what == "node":
        return stopping(own)
    second.start()
    assert own.connector.stop() == 0
    return None


def test_events_end_as_a_browser_understands(leaver):
    own, what, second = leaver
    seen = []
    reading = threading.Thread(target=listen, args=(own, seen))
    reading.start()
    wait_until(lambda: len(seen) > 2, "events")
    leave(own, what, second)
    reading.join(10)
    assert seen[-1] == "ended" and b"".join(seen[:-1]).endswith(EVENT)


def test_websockets_are_told_to_go(leaver, make_echo):
    own, what, second = leaver
    make_echo(own)

    async def work():
        url = own.node.url("app").replace("https", "wss") + "socket"
        async with websockets.connect(url, ssl=network.trusting(own.node.ca), ping_interval=None) as one:
            await one.send("hello")
            assert await one.recv() == "hello"
            going = asyncio.get_running_loop().run_in_executor(None, leave, own, what, second)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(one.recv(), 10)
            await going
            # "Going away", RFC 6455, section 7.4.1; and a handshake of closing, not a cut.
            assert one.close_code == 1001
    asyncio.run(asyncio.wait_for(work(), 60))


@pytest.fixture
def make_echo(cleanup):
    """Makes an origin of WebSockets that are echoed, behind the application `app` of a world."""
    def make(own):
        loop, over = asyncio.new_event_loop(), asyncio.Event()
        listening = threading.Event()
        ports = []

        async def echo(one):
            async for message in one:
                await one.send(message)

        async def serve():
            async with websockets.serve(echo, "127.0.0.1", 0) as server:
                ports.append(server.sockets[0].getsockname()[1])
                listening.set()
                await over.wait()
        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
        thread.start()
        assert listening.wait(10)
        own.control.apply(own.published.replace(own.raw.url, f"http://127.0.0.1:{ports[0]}/", 1))
        with own.node.browser() as client:
            # Its answer to whoever does not mean a WebSocket.
            wait_until(lambda: client.open(own.node.url("app") + "socket").status_code == 426, "the connector to know of it")
        cleanup(lambda: (loop.call_soon_threadsafe(over.set), thread.join(10)))
    return make
