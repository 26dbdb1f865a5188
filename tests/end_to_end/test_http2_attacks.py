"""HTTP/2 frames that no good client sends: the connection ends, or the request; nobody else notices, and nothing grows."""
import struct
import time

import pytest

from harness.http2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, PRIORITY,
                           PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, http2_client, raw_http2, settings)
from harness.processes import KEPT_BY_SANITIZERS, PATIENCE

MIB = 1 << 20
PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, COMPRESSION_ERROR, CALM = 1, 3, 5, 6, 9, 11


@pytest.fixture
def attack(world):
    """Makes a connection by hand. Afterwards the node serves as before and has not grown."""
    world.raw.on("/hello", lambda e: e.answer(200, b"hello"))
    world.raw.on("/swallow", lambda e: e.answer(200, e.content()))
    before = world.node.process.rss()
    made = []

    def make(name="raw"):
        made.append(raw_http2(world.node.port, f"{name}.localhost", world.node.ca))
        return made[-1]
    yield make
    with http2_client(world.node.port, "raw.localhost", world.node.ca) as client:
        begin = time.monotonic()
        assert client.ask("/hello").content == b"hello"
        assert time.monotonic() - begin < 5 * PATIENCE
    for one in made:
        one.sock.close()
    assert world.node.process.rss() - before < 16 * MIB + KEPT_BY_SANITIZERS
    assert world.node.process.running and world.connector.process.running


def flood(connection, piece, times=100):
    """Sends many times what a good client sends a few times; whether the node has ended the connection."""
    connection.sock.settimeout(10)
    for _ in range(times):
        if not connection.send(piece):
            return True
    return connection.goaway() is not None


FLOODS = {
    "ping": frame(PING, payload=b"12345678") * 200,
    "ping answers": frame(PING, payload=b"12345678", flags=ACK) * 200,
    "settings": settings([(4, 65_535)]) * 200,
    "empty settings": settings() * 200,
    "priority": frame(PRIORITY, 1, struct.pack(">IB", 0, 10)) * 200,
    "unknown frames": frame(77, 0, b"x") * 200,
    "unknown frames of streams": frame(77, 1, b"x" * 100) * 200,
    "window updates": frame(WINDOW_UPDATE, 0, struct.pack(">I", 1)) * 500,
}


@pytest.mark.parametrize("name", FLOODS)
def test_floods_end_the_connection(attack, name):
    assert flood(attack(), FLOODS[name])


def test_empty_data_ends_the_connection(attack):
    connection = attack()
    connection.send(connection.head("/swallow", "POST", flags=END_HEADERS))
    assert flood(connection, frame(DATA, 1) * 200)


def test_rapid_resets_end_the_connection(world, attack):
    connection = attack()
    ended = False
    for _ in range(60):
        burst = b""
        for _ in range(50):
            head = connection.head()
            burst += head + frame(RST_STREAM, connection.next - 2, struct.pack(">I", 8))
        if not connection.send(burst):
            ended = True
            break
    assert ended or connection.goaway() is not None


def test_a_page_that_is_left_may_cancel_its_requests(attack, world):
    world.raw.on("/linger", lambda e: time.sleep(0.2) or e.answer(200))
    with http2_client(world.node.port, "raw.localhost", world.node.ca) as client:
        for _ in range(5):
            streams = [client.send("/linger") for _ in range(80)]
            for one in streams:
                client.reset(one)
        assert client.ask("/hello").content == b"hello"
    attack()


PROVOCATIONS = {
    "window update of zero": lambda c, n: frame(WINDOW_UPDATE, n, struct.pack(">I", 0)),
    "window too large": lambda c, n: frame(WINDOW_UPDATE, n, struct.pack(">I", 0x7FFFFFFF)) * 2,
    "content after the end": lambda c, n: frame(DATA, n, b"x"),
}


@pytest.mark.parametrize("name", PROVOCATIONS)
def test_provoked_resets_end_the_connection(attack, name):
    connection = attack()
    ended = False
    for _ in range(40):
        burst = b""
        for _ in range(20):
            burst += connection.head("/swallow", "POST",
                                     flags=END_HEADERS | (END_STREAM if "after" in name else 0))
            burst += PROVOCATIONS[name](connection, connection.next - 2)
        if not connection.send(burst):
            ended = True
            break
    assert ended or connection.goaway() is not None


def test_malformed_heads_without_end_end_the_connection(attack):
    connection = attack()
    ended = False
    for _ in range(40):
        if not connection.send(b"".join(connection.head(more=[("Upper", "1")]) for _ in range(20))):
            ended = True
            break
    assert ended or connection.goaway() is not None


def test_continuations_without_end_end_the_connection(attack):
    for payload in (b"", b"x" * 0, b"\x88" * 1000):
        connection = attack()
        connection.send(frame(HEADERS, 1, connection.block(), END_STREAM))
        assert flood(connection, frame(CONTINUATION, 1, payload) * 20, 20)


def test_a_head_that_does_not_come_is_not_waited_for(attack):
    connection = attack()
    begin = time.monotonic()
    connection.send(frame(HEADERS, 1, connection.block(), END_STREAM))
    assert connection.goaway(45) is not None
    assert time.monotonic() - begin < 40 * PATIENCE


@pytest.mark.parametrize("more", [[("x-large", "x" * 70_000)], [(f"x-{n}", "y" * 1000) for n in range(80)],
                                  [(f"x-{n}", "y") for n in range(300)]], ids=["value", "size", "count"])
def test_too_large_a_head_is_refused(attack, world, more):
    attack()
    with http2_client(world.node.port, "raw.localhost", world.node.ca) as client:
        before = world.raw.count("/large-head")
        answer = client.ask("/large-head", more=more)
        assert answer.status == 431 and world.raw.count("/large-head") == before
        assert client.ask("/hello").content == b"hello"


def test_a_bomb_of_compressed_fields_is_refused(attack):
    connection = attack()
    # One field of 4,000 bytes in the table, then referred to ten thousand times: 40 MB from 14 KB.
    bomb = b"\x40" + b"\x01a" + b"\x7f" + b"\xa1\x1e" + b"x" * 4000
    for _ in range(20):
        stream, connection.next = connection.next, connection.next + 2
        connection.send(frame(HEADERS, stream, connection.block() + bomb + b"\xbe" * 10_000, END_STREAM | END_HEADERS))
    statuses = [payload for kind, _, _, payload in connection.frames(3) if kind in (HEADERS, RST_STREAM)]
    # Each refused, or the whole connection ended.
    assert len(statuses) == 20 or connection.goaway(1) is not None


def test_more_streams_than_allowed_are_refused(attack, world):
    doors = time.monotonic() + 2
    world.raw.on("/hold", lambda e: time.sleep(max(0, doors - time.monotonic())) or e.answer(200))
    connection = attack()
    list(connection.frames(0.5))
    connection.send(b"".join(connection.head("/hold") for _ in range(150)))
    refused = [number for kind, _, number, payload in connection.frames(3)
               if kind == RST_STREAM and int.from_bytes(payload, "big") == 7]
    assert len(refused) == 50 and min(refused) == 201


BROKEN = {
    "no settings": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(PING, payload=b"12345678"), PROTOCOL_ERROR),
    "http/1.1": (b"GET / HTTP/1.1\r\nHost: raw.localhost\r\n\r\n", PROTOCOL_ERROR),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_http_2_ends_the_connection(attack, world, name):
    attack()
    data, _ = BROKEN[name]
    one = raw_http2.__new__(raw_http2)
    one.buffer = b""
    from harness import http2 as module  # the connection before its preface
    one.sock = module._connect(world.node.port, "raw.localhost", world.node.ca, 20)  # pylint: disable=protected-access
    one.send(data)
    assert one.goaway() is not None
    one.sock.close()


CONNECTION_ERRORS = {
    "data on stream 0": (frame(DATA, 0, b"x"), PROTOCOL_ERROR),
    "headers on stream 0": (frame(HEADERS, 0, b"\x82", END_HEADERS), PROTOCOL_ERROR),
    "an even stream": (frame(HEADERS, 2, b"\x82\x87\x84", END_HEADERS | END_STREAM), PROTOCOL_ERROR),
    "content of an idle stream": (frame(DATA, 5, b"x"), PROTOCOL_ERROR),
    "reset of an idle stream": (frame(RST_STREAM, 7, b"\0\0\0\x08"), PROTOCOL_ERROR),
    "window of an idle stream": (frame(WINDOW_UPDATE, 7, b"\0\0\0\x08"), PROTOCOL_ERROR),
    "window update of zero": (frame(WINDOW_UPDATE, 0, b"\0\0\0\0"), PROTOCOL_ERROR),
    "window too large": (frame(WINDOW_UPDATE, 0, b"\x7f\xff\xff\xff") * 2, FLOW_CONTROL_ERROR),
    "window update of three bytes": (frame(WINDOW_UPDATE, 0, b"\0\0\1"), FRAME_SIZE_ERROR),
    "ping of seven bytes": (frame(PING, 0, b"1234567"), FRAME_SIZE_ERROR),
    "ping on a stream": (frame(PING, 1, b"12345678"), PROTOCOL_ERROR),
    "settings of five bytes": (frame(SETTINGS, 0, b"\0\1\0\0\0"), FRAME_SIZE_ERROR),
    "settings on a stream": (frame(SETTINGS, 1), PROTOCOL_ERROR),
    "settings answer with content": (frame(SETTINGS, 0, b"\0\1\0\0\0\0", ACK), FRAME_SIZE_ERROR),
    "push by a client": (frame(PUSH_PROMISE, 1, b"\0\0\0\2\x82", END_HEADERS), PROTOCOL_ERROR),
    "push allowed twice": (settings([(2, 2)]), PROTOCOL_ERROR),
    "a window of 4 GiB": (settings([(4, 0xFFFFFFFF)]), FLOW_CONTROL_ERROR),
    "frames of one byte": (settings([(5, 1)]), PROTOCOL_ERROR),
    "a priority of the connection": (frame(PRIORITY, 0, b"\0\0\0\0\1"), PROTOCOL_ERROR),
    "a continuation of nothing": (frame(CONTINUATION, 1, b"", END_HEADERS), PROTOCOL_ERROR),
    "a frame too large": (frame(DATA, 1, b"x" * 20_000), FRAME_SIZE_ERROR),
    "fields that are none": (frame(HEADERS, 1, b"\xff\xff\xff\xff\xff\xff", END_HEADERS | END_STREAM), COMPRESSION_ERROR),
    "a head within a head": (frame(HEADERS, 1, b"\x82", 0) + frame(PING, payload=b"12345678"), PROTOCOL_ERROR),
    "more padding than content": (frame(HEADERS, 1, b"\xff\x82", 8 | END_HEADERS), PROTOCOL_ERROR),
    "going away twice": (frame(GOAWAY, 1, b"\0" * 8), PROTOCOL_ERROR),
}


@pytest.mark.parametrize("name", CONNECTION_ERRORS)
def test_broken_frames_end_the_connection(attack, name):
    data, code = CONNECTION_ERRORS[name]
    connection = attack()
    connection.send(data)
    assert connection.goaway() in (code, PROTOCOL_ERROR)


MALFORMED_HEADS = {
    "upper case": [("X-Upper", "1")],
    "connection": [("connection", "close")],
    "keep-alive": [("keep-alive", "5")],
    "proxy-connection": [("proxy-connection", "close")],
    "transfer-encoding": [("transfer-encoding", "chunked")],
    "upgrade": [("upgrade", "h2c")],
    "te": [("te", "gzip")],
    "unknown pseudo field": [(":what", "1")],
    "late pseudo field": [("x", "1"), (":path", "/other")],
    "second path": [(":path", "/other")],
    "two lengths": [("content-length", "1"), ("content-length", "2")],
    "no length": [("content-length", "abc")],
    "line break": [("x-break", "a\r\nx-smuggled: b")],
    "null": [("x-null", "a\0b")],
    "space in name": [("x name", "1")],
    "colon in name": [("x:name", "1")],
    "empty name": [("", "1")],
    "space before value": [("x-space", " 1")],
    "space behind value": [("x-space", "1 ")],
}


@pytest.mark.parametrize("name", MALFORMED_HEADS)
def test_malformed_heads_are_refused(attack, world, name):
    connection = attack()
    before = world.raw.count("/malformed-head")
    connection.send(connection.head("/malformed-head", more=MALFORMED_HEADS[name]))
    assert connection.reset_code(1) == PROTOCOL_ERROR
    connection.send(connection.head("/hello"))
    assert any(kind == HEADERS and number == 3 for kind, _, number, _ in connection.frames(3))
    assert world.raw.count("/malformed-head") == before


@pytest.mark.parametrize("fields", [
    [(":method", "GET"), (":scheme", "https"), (":authority", "raw.localhost")],
    [(":method", "GET"), (":scheme", "https"), (":authority", "raw.localhost"), (":path", "")],
    [(":method", "GET"), (":scheme", "https"), (":authority", "raw.localhost"), (":path", "no-slash")],
    [(":method", "GET"), (":scheme", "https"), (":authority", "raw.localhost"), (":path", "*")],
    [(":method", "GET"), (":scheme", "https"), (":authority", "raw.localhost"), (":path", "/a b")],
    [(":method", "GET"), (":scheme", "https"), (":authority", "raw.localhost"), (":path", "/a#b")],
    [(":method", "GET"), (":scheme", "https"), (":authority", "raw.localhost"), (":path", "/a\\b")],
    [(":scheme", "https"), (":authority", "raw.localhost"), (":path", "/x")],
    [(":method", "GET"), (":authority", "raw.localhost"), (":path", "/x")],
    [(":method", "G T"), (":scheme", "https"), (":authority", "raw.localhost"), (":path", "/x")],
    [(":method", "GET"), (":scheme", "ftp"), (":authority", "raw.localhost"), (":path", "/x")],
    [(":method", "GET"), (":scheme", "https"), (":authority", "raw.localhost/x"), (":path", "/x")]], ids=str)
def test_malformed_pseudo_fields_are_refused(attack, world, fields):
    connection = attack()
    before = len(world.raw.seen)
    connection.send(frame(HEADERS, 1, connection.encoder.encode(fields), END_STREAM | END_HEADERS))
    first = next((kind, payload) for kind, _, number, payload in connection.frames(5) if number == 1)
    assert first[0] == RST_STREAM or b"400" in first[1] or first[1][:1] == b"\x8c"  # 0x8c: :status 400, indexed
    assert len(world.raw.seen) == before


def test_a_connection_that_only_opens_windows_is_not_kept_busy(attack):
    connection = attack()
    connection.send(connection.head("/hello") + frame(WINDOW_UPDATE, 1, struct.pack(">I", 1)))
    assert any(kind == DATA for kind, *_ in connection.frames(3))


def test_half_a_preface_is_not_waited_for_by_others(attack, world):
    connection = attack()
    connection.sock.close()
    held = []
    for _ in range(50):
        one = raw_http2(world.node.port, "raw.localhost", world.node.ca)
        one.send(frame(HEADERS, 1, one.block()[:5], 0)[:12])
        held.append(one)
    assert PREFACE.startswith(b"PRI")
    for one in held:
        one.sock.close()
