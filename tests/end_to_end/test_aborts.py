"""Whoever breaks off is noticed at the other end within a second, whatever both speak and whatever was going on."""
import socket
import struct
import threading
import time
import types

import pytest

from harness.http2 import http2_client
from harness.http2_origin import http2_origin
from harness.processes import PATIENCE, wait_until
from harness.wire import raw_client, read_content
from harness.world import small_world

SOON = 1.0 * PATIENCE


@pytest.fixture(scope="module")
def at(tmp_path_factory, process_logs):
    """A world with an application for each kind of origin."""
    folder = tmp_path_factory.mktemp("aborts")
    process_logs.append(folder)
    multiplexed = http2_origin()
    own = small_world(folder / "own", more={"multiplexed": (multiplexed.url, {"origin_protocol": "h2c"})})
    yield types.SimpleNamespace(world=own, http1=own.raw, http2=multiplexed)
    own.stop()
    multiplexed.close()


class http1_origin_side:
    """An exchange at an origin over HTTP/1.1."""

    def __init__(self, one):
        self.one = one

    def begin(self):
        self.one.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    def wait_for_end(self):
        assert self.one.stream.ended(20)

    def abort(self):
        self.one.stream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.one.close()


class http2_origin_side:
    """The same over HTTP/2."""

    def __init__(self, one):
        self.one = one

    def begin(self):
        self.one.head(200)
        self.one.data(b"hello")

    def wait_for_end(self):
        assert self.one.wait_for_reset(20) is not None or not self.one.connection.open

    def abort(self):
        self.one.reset()


ORIGINS = {"http1": ("app", http1_origin_side), "http2": ("multiplexed", http2_origin_side)}


class http1_user:
    """A user over HTTP/1.1 whose content does not end by itself."""

    def __init__(self, world, name, path, uploads):
        self.client = raw_client(world.node.port, f"{name}.localhost", world.node.ca)
        lines = [f"{'POST' if uploads else 'GET'} {path} HTTP/1.1", f"Host: {name}.localhost:{world.node.port}",
                 *(["Content-Length: 1001"] if uploads else [])]
        self.client.send("\r\n".join(lines) + "\r\n\r\n" + ("x" * 1000 if uploads else ""))

    def end_content(self):
        self.client.send("x")

    def wait_for_content(self):
        self.head = self.client.head()
        self.pieces = read_content(self.client.stream, self.head, True)
        assert next(self.pieces) == b"hello"

    def wait_for_abort(self):
        with pytest.raises((EOFError, OSError)):
            for _ in self.pieces:
                pass

    def leave(self):
        self.client.stream.close()


class http2_user:
    """The same over HTTP/2."""

    def __init__(self, world, name, path, uploads):
        self.client = http2_client(world.node.port, f"{name}.localhost", world.node.ca)
        self.stream = self.client.send(path, "POST" if uploads else "GET", ended=not uploads)
        if uploads:
            self.client.send_content(self.stream, b"x" * 1000)

    def end_content(self):
        self.client.send_content(self.stream, b"x", ended=True)

    def wait_for_content(self):
        self.client.wait(lambda: self.client.answers[self.stream].content == b"hello")

    def wait_for_abort(self):
        answer = self.client.answer(self.stream)
        assert answer.reset is not None and not answer.ended

    def leave(self):
        if not self.client.answers[self.stream].over:
            self.client.reset(self.stream)


USERS = {"http1": http1_user, "http2": http2_user}
both = pytest.mark.parametrize("user, origin", [(user, origin) for user in USERS for origin in ORIGINS])


def serve(at, origin, path, work):
    """The moment at which `work`, the origin's part, is over stands in the list once it is."""
    side, over, asked = ORIGINS[origin][1], [], threading.Event()

    def handle(one):
        asked.set()
        work(side(one))
        over.append(time.monotonic())
        return False
    getattr(at, origin).on(path, handle)
    return asked, over


@both
@pytest.mark.parametrize("phase", ["before the head", "within a download", "within an upload", "after an upload"])
def test_a_user_who_leaves_is_noticed_at_the_origin(at, user, origin, phase):
    def work(side):
        if phase == "within a download":
            side.begin()
        side.wait_for_end()
    path = f"/left-{user}-{phase.replace(' ', '-')}"
    asked, over = serve(at, origin, path, work)
    someone = USERS[user](at.world, ORIGINS[origin][0], path, "upload" in phase)
    assert asked.wait(10)
    if phase == "within a download":
        someone.wait_for_content()
    # As an exchange that is long under way: its connection is watched by then.
    time.sleep(0.3)
    if phase == "after an upload":
        someone.end_content()
        time.sleep(0.1)
    begin = time.monotonic()
    someone.leave()
    wait_until(lambda: over, "the origin to notice", 10)
    assert over[0] - begin < SOON


@both
def test_an_origin_that_breaks_off_is_noticed_at_the_user(at, user, origin):
    go = threading.Event()

    def work(side):
        side.begin()
        assert go.wait(10)
        side.abort()
    path = f"/broken-{user}"
    _, over = serve(at, origin, path, work)
    someone = USERS[user](at.world, ORIGINS[origin][0], path, False)
    someone.wait_for_content()
    go.set()
    someone.wait_for_abort()
    end = time.monotonic()
    wait_until(lambda: over, "the origin to be done")
    assert end - over[0] < SOON
    someone.leave()


@both
def test_a_connector_that_dies_cuts_the_download_short(make_world, user, origin, request):
    """Neither side takes what has come for whole."""
    multiplexed = http2_origin()
    request.addfinalizer(multiplexed.close)
    own = make_world(more={"multiplexed": (multiplexed.url, {"origin_protocol": "h2c"})})
    place = types.SimpleNamespace(world=own, http1=own.raw, http2=multiplexed)
    serve(place, origin, "/dies", lambda side: (side.begin(), side.wait_for_end()))
    someone = USERS[user](own, ORIGINS[origin][0], "/dies", False)
    someone.wait_for_content()
    own.connector.process.kill()
    someone.wait_for_abort()
    someone.leave()
    own.connector.start()
