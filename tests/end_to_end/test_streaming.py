"""What is sent bit by bit arrives bit by bit, and an end on one side is an end on the other."""
import queue
import threading
import time

import httpx
import pytest

from harness.processes import PATIENCE, wait_until
from harness.sign_in import session_cookies
from harness.wire import raw_client, read_content


@pytest.mark.parametrize("name", ["public", "intranet"])
def test_events_arrive_as_they_happen(world, name):
    with (world.signed_in("intranet") if name == "intranet" else world.browser()) as browser:
        arrivals = []
        with browser.client.stream("GET", world.url(name, "events/stream?every=0.4&count=4")) as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    arrivals.append(time.monotonic())
    assert len(arrivals) == 4
    gaps = [b - a for a, b in zip(arrivals, arrivals[1:])]
    assert all(gap > 0.2 for gap in gaps), gaps


@pytest.mark.parametrize("name", ["raw", "guarded"])
def test_events_arrive_one_by_one_over_http2(world, connect_http2, name):
    """Each event is sent only once the one before has been seen: none waits for the next."""
    seen = queue.SimpleQueue()

    def answer(one):
        one.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (event := seen.get(timeout=30)) is not None:
            one.send(b"%x\r\n%s\r\n" % (len(event), event))
        one.send(b"0\r\n\r\n")
    world.raw.on("/h2-events", answer)
    cookie = []
    if name == "guarded":
        with world.signed_in(name) as browser:
            cookie = [("cookie", f"{one.name}={one.value}") for one in session_cookies(browser, name)]
    client = connect_http2(name)
    stream = client.send("/h2-events", more=[("accept", "text/event-stream"), *cookie])
    got = client.answers[stream]
    client.wait(lambda: got.fields)
    assert got.status == 200 and got.get("content-type") == "text/event-stream"
    sent = b""
    for number in range(20):
        event = b"id: %d\ndata: event\n\n" % number
        sent += event
        seen.put(event)
        client.wait(lambda: len(got.content) >= len(sent))
        assert got.content == sent and not got.over
    seen.put(None)
    assert client.answer(stream).ended and got.content == sent


def test_the_first_byte_does_not_wait_for_the_last(world, browser):
    release = threading.Event()

    def answer(one):
        one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        release.wait(20)
        one.send(b"-last")
    world.raw.on("/two-parts", answer)
    with browser.client.stream("GET", world.url("raw", "two-parts")) as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"first"
        release.set()
        assert b"".join(pieces) == b"-last"


def test_content_reaches_the_origin_bit_by_bit(world, browser):
    got, third = [], threading.Event()

    def answer(one):
        for piece in one.pieces():
            got.append(piece)
            if len(got) == 2:
                third.set()
        one.answer(200, b"".join(got))
    world.raw.on("/drip", answer)

    def drip():
        yield b"one"
        wait_until(lambda: got, "the first piece to arrive")
        yield b"two"
        assert third.wait(20)
        yield b"three"
    assert browser.request("POST", world.url("raw", "drip"), content=drip()).text == "onetwothree"


def test_origin_and_user_may_speak_at_the_same_time(world, browser):
    """An answer that begins before the content has ended."""
    def answer(one):
        one.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in one.pieces():
            one.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        one.send(b"0\r\n\r\n")
    world.raw.on("/duplex", answer)
    with raw_client(world.node.port, "raw.localhost", world.node.ca) as client:
        client.send(f"POST /duplex HTTP/1.1\r\nHost: raw.localhost:{world.node.port}\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"3\r\none\r\n")
        head = client.head()
        assert head.status == 200
        pieces = read_content(client.stream, head, True)
        assert next(pieces) == b"one"
        client.send(b"3\r\ntwo\r\n")
        assert next(pieces) == b"two"
        client.send(b"0\r\n\r\n")
        assert b"".join(pieces) == b""


def test_a_user_who_leaves_ends_the_origins_work(world, browser):
    ended = threading.Event()

    def endless(one):
        one.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                one.send(b"1\r\nx\r\n")
                time.sleep(0.02)
        finally:
            ended.set()
    world.raw.on("/endless", endless)
    with browser.client.stream("GET", world.url("raw", "endless")) as answer:
        next(answer.iter_raw())
    assert ended.wait(10)


@pytest.mark.parametrize("leave", ["reset", "close"])
def test_a_user_who_leaves_events_over_http2_ends_the_origins_work(world, connect_http2, leave):
    """Between two events, when nothing that is sent could show it."""
    ended = threading.Event()

    def answer(one):
        one.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        one.send(b"d\r\ndata: event\n\n\r\n")
        if one.stream.ended(30):
            ended.set()
        return False
    world.raw.on("/h2-event-left", answer)
    client = connect_http2()
    stream = client.send("/h2-event-left")
    client.wait(lambda: client.answers[stream].content == b"data: event\n\n")
    assert not ended.is_set()
    if leave == "reset":
        client.reset(stream)
    else:
        client.close()
    assert ended.wait(5 * PATIENCE)


def test_a_user_who_leaves_before_the_answer_ends_the_origins_work(world, browser):
    ended = threading.Event()

    def wait_for_the_end(one):
        one.stream.ended(20)
        ended.set()
        return False
    world.raw.on("/thinking", wait_for_the_end)
    with pytest.raises(httpx.ReadTimeout):
        browser.client.get(world.url("raw", "thinking"), timeout=1.0)
    browser.client.close()
    assert ended.wait(10)


def test_an_origin_that_breaks_off_breaks_off_at_the_user(world, browser):
    with pytest.raises(httpx.RemoteProtocolError):
        browser.get(world.url("public", "abort?after=5000"))
    with pytest.raises(httpx.RemoteProtocolError):
        browser.get(world.url("public", "abort?after=5000000"))
    assert browser.get(world.url("public", "echo")).status_code == 200


def test_two_hundred_streams_at_once(world):
    """Quiet streams cost nothing but memory; all get what is sent to them."""
    connected, release = [], threading.Event()

    def quiet(one):
        one.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        connected.append(1)
        release.wait(60)
        one.send(b"3\r\nbye\r\n0\r\n\r\n")
    world.raw.on("/quiet", quiet)
    clients = [raw_client(world.node.port, "raw.localhost", world.node.ca) for _ in range(200)]
    try:
        for one in clients:
            one.send(f"GET /quiet HTTP/1.1\r\nHost: raw.localhost:{world.node.port}\r\n\r\n")
        wait_until(lambda: len(connected) == 200, "all streams to be open", 30)
        release.set()
        for one in clients:
            assert b"".join(read_content(one.stream, one.head(), True)) == b"hellobye"
    finally:
        release.set()
        for one in clients:
            one.stream.close()
