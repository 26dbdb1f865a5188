"""How requests over HTTP/2 end before their time, and users that take or send slowly."""
import hashlib
import threading
import time

import pytest

from harness import pattern
from harness.http2 import http2_client
from harness.processes import KEPT_BY_SANITIZERS, PATIENCE, wait_until

MIB = 1 << 20


def endless(world, path):
    """An origin that sends until nobody listens; what it notices goes into the list."""
    ended = []

    def serve(one):
        try:
            one.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                one.send(b"5\r\nevent\r\n")
                time.sleep(0.05)
        finally:
            ended.append(time.monotonic())
    world.raw.on(path, serve)
    return ended


@pytest.mark.parametrize("how", ["reset", "close"])
def test_an_abort_of_the_user_reaches_the_origin(world, connect_http2, how):
    ended = endless(world, f"/h2-endless-{how}")
    client = connect_http2()
    stream = client.send(f"/h2-endless-{how}")
    client.wait(lambda: len(client.answers[stream].content) > 20)
    begin = time.monotonic()
    if how == "reset":
        client.reset(stream)
    else:
        client.close()
    wait_until(lambda: ended, "the origin to notice", 5)
    assert ended[0] - begin < PATIENCE
    if how == "reset":
        assert client.ask(world.raw.always("/h2-alive", body=b"alive")).content == b"alive"


def test_an_abort_before_the_response_reaches_the_origin(world, connect_http2):
    asked, ended = threading.Event(), []

    def serve(one):
        asked.set()
        try:
            one.stream.exactly(1)
        except (EOFError, OSError):
            ended.append(time.monotonic())
            raise
    world.raw.on("/h2-abandoned", serve)
    client = connect_http2()
    stream = client.send("/h2-abandoned")
    assert asked.wait(10)
    begin = time.monotonic()
    client.reset(stream)
    wait_until(lambda: ended, "the origin to notice", 5)
    assert ended[0] - begin < PATIENCE


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"], ids=["length", "chunked"])
def test_a_response_cut_short_is_never_taken_for_whole(world, connect_http2, framing):
    def cut(one):
        one.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + (b"5\r\nhello\r\n" if b"chunked" in framing else b"hello"))
        one.close()
        return False
    world.raw.on("/h2-cut", cut)
    client = connect_http2()
    answer = client.answer(client.send("/h2-cut"))
    assert answer.status == 200 and not answer.ended and answer.reset is not None
    assert b"hello".startswith(answer.content)
    assert client.ask(world.raw.always("/h2-alive", body=b"alive")).content == b"alive"


def test_a_request_cut_short_is_never_taken_for_whole(world, connect_http2):
    whole, ended = [], []

    def serve(one):
        try:
            whole.append(one.content())
        except (EOFError, OSError):
            ended.append(1)
            raise
        one.answer(200)
    world.raw.on("/h2-cut-up", serve)
    world.raw.on("/h2-cut-next", lambda e: e.answer(200, b"next"))
    client = connect_http2(careless=True)
    stream = client.send("/h2-cut-up", "POST", [("content-length", "100")], ended=False)
    client.send_content(stream, b"hello")
    wait_until(lambda: world.raw.count("/h2-cut-up"), "the request to arrive", 5)
    client.reset(stream)
    wait_until(lambda: ended, "the origin to notice", 5)
    # Content that contradicts its length (RFC 9113, section 8.1.1) is no content.
    for data in (b"short", b"x" * 200):
        stream = client.send("/h2-cut-up", "POST", [("content-length", "100")], ended=False)
        client.send_content(stream, data, ended=True)
        answer = client.answer(stream)
        assert answer.reset == 1 or answer.status == 400
    # Whether the last two reached the origin at all depends on how soon the contradiction was seen.
    assert client.ask("/h2-cut-next").content == b"next"
    assert not whole


def test_an_early_response_ends_the_content(world, connect_http2):
    def early(one):
        one.answer(403, b"no", [("Connection", "close")])
        return False
    world.raw.on("/h2-early", early)
    client = connect_http2()
    stream = client.send("/h2-early", "POST", ended=False)
    client.send_content(stream, b"x" * 100_000)
    answer = client.answer(stream)
    assert answer.status == 403 and answer.content == b"no"
    assert client.ask(world.raw.always("/h2-alive", body=b"alive")).content == b"alive"


def test_users_that_do_not_read_stall_nobody_and_cost_little(world, connect_http2):
    size = 8 * MIB

    def large(one):
        one.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for block in pattern.blocks(size):
            one.send(block)
    world.raw.on("/h2-large", large)
    path = world.raw.always("/h2-small", body=b"small")
    before = world.node.process.rss()
    stuck = connect_http2(window=65_535)
    streams = [stuck.send("/h2-large") for _ in range(10)]
    stuck.wait(lambda: all(len(stuck.answers[one].content) == 65_535 for one in streams))
    client = connect_http2()
    for number in range(50):
        begin = time.monotonic()
        assert client.ask(path).content == b"small"
        assert stuck.ask(path).content == b"small", number
        assert time.monotonic() - begin < 2 * PATIENCE
    assert world.node.process.rss() - before < 16 * MIB + KEPT_BY_SANITIZERS
    for one in streams:
        stuck.open_window(one, size)
    data = b"".join(pattern.blocks(size))
    assert all(stuck.answer(one, 120).content == data for one in streams)


def test_an_upload_waits_for_a_slow_origin_in_little_memory(world, connect_http2):
    size, door = 64 * MIB, threading.Event()

    def slow(one):
        pieces = one.pieces()
        digest = hashlib.sha256(next(pieces))
        assert door.wait(60)
        for piece in pieces:
            digest.update(piece)
        one.answer(200, digest.hexdigest().encode())
    world.raw.on("/h2-slow", slow)
    client = connect_http2()
    before = world.node.process.rss() + world.connector.process.rss()
    stream = client.send("/h2-slow", "POST", [("content-length", str(size))], ended=False)
    sent = hashlib.sha256()
    threading.Timer(2, door.set).start()
    for block in pattern.blocks(size):
        sent.update(block)
        assert client.send_content(stream, block)
    client.state.end_stream(stream)
    client.flush()
    assert client.answer(stream, 120).content.decode() == sent.hexdigest()
    assert world.node.process.rss() + world.connector.process.rss() - before < 32 * MIB + KEPT_BY_SANITIZERS


def test_a_planned_stop_lets_requests_finish(make_world):
    world = make_world()
    door = threading.Event()

    def late(one):
        assert door.wait(30)
        one.answer(200, b"late")
    world.raw.on("/late", late)
    with http2_client(world.node.port, "app.localhost", world.node.ca) as client, \
            http2_client(world.node.port, "app.localhost", world.node.ca) as idle:
        assert idle.ask("/hello").content == b"hello"
        stream = client.send("/late")
        wait_until(lambda: world.raw.count("/late"), "the request to arrive")
        stopped = threading.Thread(target=world.node.stop)
        stopped.start()
        client.wait(lambda: client.goaway is not None)
        idle.wait(lambda: idle.goaway is not None)
        assert client.goaway == 0 and idle.goaway == 0
        door.set()
        assert client.answer(stream).content == b"late"
        stopped.join(20)
        assert not stopped.is_alive()
