"""Connections to origins are used again only where nothing of the last exchange can be left on them; and a request that has
to be sent once more arrives whole."""
import socket
import ssl
import struct
import threading
import time

import pytest

from harness import certificates
from harness.processes import wait_until
from harness.wire import raw_client, read_content, stream


def connect(world):
    return raw_client(world.node.port, "raw.localhost", world.node.ca)


def get(world, path, method="GET", fields=()):
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: raw.localhost:{world.node.port}", *fields]) + "\r\n\r\n"


def ask(world, path, method="GET"):
    with connect(world) as client:
        client.send(get(world, path, method))
        return client.head()


def next_one(world):
    """What the next request on any pooled connection gets: always its own answer."""
    world.raw.on("/next", lambda e: e.answer(200, b"own answer"))
    for _ in range(6):
        with connect(world) as client:
            head, body = client.send(get(world, "/next")).answer()
            assert head.status == 200 and body == b"own answer"


# What an origin may send that is more than one answer.
SURPLUS = {
    "behind a length": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "behind chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
                     b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "behind 204": b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "behind 304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil",
}


@pytest.mark.parametrize("kind", SURPLUS)
@pytest.mark.parametrize("late", [False, True])
def test_more_than_an_answer_is_nobodys_answer(world, kind, late):
    def answer(one):
        whole = SURPLUS[kind]
        at = len(whole) - 4 if "304" in kind else whole.index(b"HTTP/1.1", 1)
        one.send(whole[:at])
        if late:
            time.sleep(0.3)
        one.send(whole[at:])
    world.raw.on("/surplus", answer)
    for _ in range(3):
        assert ask(world, "/surplus").status in (200, 204, 304)
        if late:
            time.sleep(0.5)
        next_one(world)


def test_content_after_head_is_nobodys_answer(world):
    world.raw.on("/head", lambda e: e.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
    for _ in range(3):
        assert ask(world, "/head", "HEAD").status == 200
        next_one(world)


def test_an_abandoned_download_leaves_no_connection_behind(world):
    def answer(one):
        one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"HTTP/1.1 200 OK\r\n" * 10_000)
        one.stream.ended(5)
        return False
    world.raw.on("/abandoned", answer)
    for _ in range(5):
        with connect(world) as client:
            assert client.send(get(world, "/abandoned")).head().status == 200
        next_one(world)


def test_an_abandoned_upload_leaves_no_connection_behind(world):
    got = []

    def answer(one):
        try:
            got.append(one.content())
        except (EOFError, OSError, ValueError):
            got.append(None)
            return False
        one.answer(200, b"took it")
        return True
    world.raw.on("/upload", answer)
    for fields, content in ((["Content-Length: 50"], b"GET /evil HTTP/1.1\r\n"),
                            (["Transfer-Encoding: chunked"], b"5\r\nhello\r\n"),
                            (["Transfer-Encoding: chunked"], b"5\r\nhello\r\n0\r\n"),
                            (["Transfer-Encoding: chunked"], b"ff\r\nhello")):
        count = world.raw.count("/upload")
        with connect(world) as client:
            client.send(get(world, "/upload", "POST", fields).encode() + content)
            wait_until(lambda: world.raw.count("/upload") > count, "the request to arrive")
            time.sleep(0.1)
        wait_until(lambda: len(got) > count, "the origin to learn")
        next_one(world)
    assert got == [None] * 4
    assert world.raw.count("/evil") == 0


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("end", ["fin", "reset"])
def test_an_answer_cut_short_never_looks_whole(world, framing, end):
    heads = {"length": b"Content-Length: 20000", "chunked": b"Transfer-Encoding: chunked", "close": b"Connection: close"}
    content = b"x" * 10_000 if framing != "chunked" else b"2710\r\n" + b"x" * 10_000 + b"\r\n"

    def answer(one):
        one.send(b"HTTP/1.1 200 OK\r\n" + heads[framing] + b"\r\n\r\n" + content)
        time.sleep(0.1)
        if end == "reset":
            one.stream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    world.raw.on("/cut-short", answer)
    with connect(world) as client:
        client.send(get(world, "/cut-short"))
        head = client.head()
        assert head.status == 200
        if framing == "close" and end == "fin":
            # That is how it is delimited: nobody can know.
            assert len(b"".join(read_content(client.stream, head, True))) == 10_000
        else:
            with pytest.raises((EOFError, ConnectionError, ssl.SSLError)):
                b"".join(read_content(client.stream, head, True))
    next_one(world)


def test_content_that_meets_a_closing_connection_arrives_whole(make_world, cleanup, tmp_path):
    """The idle connection ends when the request's head arrives on it; the content comes while the next one is being made."""
    listener = socket.create_server(("127.0.0.1", 0))
    cleanup(listener.close)
    context = certificates.server_context(*certificates.self_signed(tmp_path, "slow"))
    shake_hands = threading.Event()
    bodies = []

    def serve():
        with context.wrap_socket(listener.accept()[0], server_side=True) as first:
            one = stream(first)
            one.until(b"\r\n\r\n")
            one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            one.until(b"\r\n\r\n")
        second, _ = listener.accept()
        assert shake_hands.wait(20)
        with context.wrap_socket(second, server_side=True) as second:
            two = stream(second)
            two.until(b"\r\n\r\n")
            bodies.append(two.until(b"0\r\n\r\n"))
            two.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
    threading.Thread(target=serve, daemon=True).start()
    own = make_world(enrolled=False, more={"slow": (f"https://127.0.0.1:{listener.getsockname()[1]}/", {
        "validate_backend_certificate": False, "connect_timeout": "20s"})})
    own.connector.run_words = ["--shards", "1"]  # one pool
    own.connector.enroll("main", own.control.enrolment_token("main")).start()
    with raw_client(own.node.port, "slow.localhost", own.node.ca) as client:
        host = f"Host: slow.localhost:{own.node.port}\r\n"
        assert client.send(f"GET /1 HTTP/1.1\r\n{host}\r\n").answer()[1] == b"ok"
        client.send(f"PUT /2 HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n")
        time.sleep(0.5)
        client.send(b"5\r\nhello\r\n")
        time.sleep(0.1)
        client.send(b"6\r\n world\r\n0\r\n\r\n")
        time.sleep(0.3)
        shake_hands.set()
        assert client.answer()[1] == b"done"
    assert bodies and b"hello" in bodies[0] and b" world" in bodies[0]
