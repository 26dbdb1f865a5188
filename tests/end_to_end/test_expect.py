"""`Expect: 100-continue`: the origin is asked whether it wants the content, and nobody answers in its place."""
import queue
import select
import threading
import time

import pytest

from harness.wire import raw_client

GIB = 1 << 30
# limits::continue_patience of the connector: behind it the content is asked for whatever the origin says.
CONTINUE_PATIENCE = 1.0
CONTENT = b"hello"
FRAMINGS = {"length": ("Content-Length: 5", CONTENT), "chunked": ("Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n")}


def connect(world, name="raw"):
    return raw_client(world.node.port, f"{name}.localhost", world.node.ca)


def head_of(world, target, *fields, name="raw"):
    lines = [f"POST {target} HTTP/1.1", f"Host: {name}.localhost:{world.node.port}", "Expect: 100-continue", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def in_time(attempt):
    """What the first attempt saw that took less than the connector's patience: a machine that is busy with something else
    proves nothing."""
    for _ in range(20):
        begin = time.monotonic()
        seen = attempt()
        if time.monotonic() - begin < CONTINUE_PATIENCE:
            return seen
    raise AssertionError("no attempt was quick enough to show anything")


def says_something(client, seconds=0.3):
    client.sock.settimeout(seconds)
    try:
        return client.stream.fill()
    except TimeoutError:
        return False
    finally:
        client.sock.settimeout(30)


def answers(client):
    """The statuses up to the final one, and its content."""
    statuses = []
    while not statuses or statuses[-1] < 200:
        head = client.head()
        statuses.append(head.status)
    return statuses, client.stream.exactly(int(head.get("Content-Length")))


@pytest.mark.parametrize("framing", FRAMINGS)
def test_the_user_is_asked_to_go_on_when_the_origin_asks(world, framing):
    field, content = FRAMINGS[framing]

    def attempt():
        asked, door = threading.Event(), threading.Event()

        def answer(one):
            asked.set()
            door.wait(30)
            one.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            one.answer(200, one.content())
        world.raw.on("/expect-later", answer)
        with connect(world) as client:
            client.send(head_of(world, "/expect-later", field))
            assert asked.wait(30)
            early = says_something(client)
            door.set()
            first = client.head().status
            client.send(content)
            return early, first, answers(client)
    assert in_time(attempt) == (False, 100, ([200], CONTENT))
    assert world.raw.last("/expect-later").get("Expect") == "100-continue"


@pytest.mark.parametrize("framing", FRAMINGS)
def test_content_that_nobody_asked_for_yet_stays_with_the_node(world, framing):
    """A user may send at once; the origin gets it when it asks."""
    field, content = FRAMINGS[framing]

    def attempt():
        early = queue.SimpleQueue()

        def answer(one):
            early.put(one.stream.buffer or bool(select.select([one.stream.sock], [], [], 0.3)[0]))
            one.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            one.answer(200, one.content())
        world.raw.on("/expect-at-once", answer)
        with connect(world) as client:
            client.send(head_of(world, "/expect-at-once", field) + content)
            statuses, body = answers(client)
            return early.get(timeout=30), statuses[-1], body
    assert in_time(attempt) == (False, 200, CONTENT)


@pytest.mark.parametrize("at_once", [False, True], ids=["waits", "sends at once"])
@pytest.mark.parametrize("status", [403, 417])
def test_an_origin_that_refuses_gets_no_content(world, status, at_once):
    def attempt():
        got = queue.SimpleQueue()

        def answer(one):
            one.answer(status, b"no")
            got.put(one.stream.rest())
            return False
        world.raw.on("/expect-refused", answer)
        with connect(world) as client:
            client.send(head_of(world, "/expect-refused", "Content-Length: 5") + (CONTENT if at_once else b""))
            seen = answers(client)
            # What was not taken must not be read as the next request.
            return seen, client.ended(), got.get(timeout=30)
    assert in_time(attempt) == (([status], b"no"), True, b"")


def test_an_origin_that_says_nothing_gets_the_content_after_a_while(world):
    world.raw.on("/expect-mute", lambda e: e.answer(200, e.content()))
    with connect(world) as client:
        client.send(head_of(world, "/expect-mute", "Content-Length: 5"))
        assert client.head().status == 100
        assert answers(client.send(CONTENT)) == ([200], CONTENT)


def test_a_request_that_the_node_refuses_is_refused_before_its_content(world):
    for name, status in (("orphan", 504), ("intranet", 401)):
        with connect(world, name) as client:
            client.send(head_of(world, "/x", f"Content-Length: {GIB}", name=name))
            assert client.head().status == status
