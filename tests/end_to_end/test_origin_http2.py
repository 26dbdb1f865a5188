"""Origins that speak HTTP/2: what arrives there and what comes back, whatever the user speaks."""
import hashlib
import threading
import time

import h2.errors
import h2.settings
import hyperframe.frame
import pytest

from harness import certificates, pattern
from harness.http2_origin import http2_origin
from harness.processes import PATIENCE, wait_until
from harness.raw_origin import raw_origin
from harness.wire import raw_client, read_content

MIB = 1 << 20


class late_origin(http2_origin):
    """Says nothing before it may, not even its settings."""

    def __init__(self, **options):
        self.go = threading.Event()
        self.waiting = 0
        super().__init__(**options)

    def _serve(self, sock):
        self.waiting += 1
        self.go.wait(20)
        super()._serve(sock)


class origins:
    """Every kind of HTTP/2 origin, each an application of the same node."""

    def __init__(self, folder, make_world):
        self.plain = http2_origin()
        certificate, key = certificates.self_signed(folder, "h2-origin")
        context = certificates.server_context(certificate, key)
        context.set_alpn_protocols(["h2"])
        self.tls = http2_origin(context)
        self.narrow = http2_origin(settings={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 2})
        self.late = late_origin(settings={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1})
        only_http1 = certificates.server_context(certificate, key)
        only_http1.set_alpn_protocols(["http/1.1"])
        self.old_tls = raw_origin(only_http1)
        self.old = raw_origin()
        trusted = {"backend_authorities": certificate.read_text(encoding="utf-8")}
        h2c, tls = {"origin_protocol": "h2c"}, {"origin_protocol": "h2"}
        self.world = make_world(more={
            "plain": (self.plain.url, h2c),
            "tls": (self.tls.url, {**tls, **trusted}),
            "narrow": (self.narrow.url, h2c),
            "late": (self.late.url, h2c),
            "impatient": (self.plain.url, {**h2c, "response_timeout": "1s"}),
            "idle": (self.plain.url, {**h2c, "idle_timeout": "1s"}),
            "untrusted": (self.tls.url, tls),
            "oldtls": (self.old_tls.url, {**tls, **trusted}),
            "old": (self.old.url, h2c),
        })

    def connect(self, name):
        return raw_client(self.world.node.port, f"{name}.localhost", self.world.node.ca)

    def head(self, method, name, path, *fields):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {name}.localhost:{self.world.node.port}", *fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def ask(self, name, path, method="GET", content=b"", fields=()):
        with self.connect(name) as client:
            length = [f"Content-Length: {len(content)}"] if content else []
            client.send(self.head(method, name, path, *length, *fields) + content)
            return client.answer()

    def close(self):
        for one in (self.plain, self.tls, self.narrow, self.late, self.old_tls, self.old):
            one.close()


@pytest.fixture(scope="module")
def at(tmp_path_factory, process_logs):
    from harness.world import small_world
    folder = tmp_path_factory.mktemp("http2")
    process_logs.append(folder)
    made = []

    def make(**options):
        made.append(small_world(folder / "own", **options))
        return made[-1]
    one = origins(folder, make)
    yield one
    made[0].stop()
    one.close()


@pytest.mark.parametrize("name", ["plain", "tls"])
def test_requests_and_answers_pass(at, name):
    origin = getattr(at, name)
    origin.on("/echo", lambda e: e.answer(201, e.content(), [("x-answer", "yes"), ("set-cookie", "a=b")]))
    head, body = at.ask(name, "/echo?x=%2e", "POST", b"hello", ["X-Ask: why", "Cookie: c=d", "Cookie: e=f"])
    assert head.status == 201 and body == b"hello" and head.get("X-Answer") == "yes" and head.get("Set-Cookie") == "a=b"
    seen = origin.seen[-1]
    assert seen.get(":method") == "POST" and seen.get(":path") == "/echo?x=%2e" and seen.get("x-ask") == "why"
    assert seen.get(":scheme") == ("https" if name == "tls" else "http")
    assert seen.get(":authority") == f"127.0.0.1:{origin.port}" and seen.get("content-length") == "5"
    assert seen.get("x-forwarded-proto") == "https" and seen.get("cookie") == "c=d; e=f"
    assert seen.get("via") == "1.1 postern" and head.all("Via") == ["2 postern"]
    assert not [one for one, _ in seen.fields if one.startswith("postern-") or one in ("connection", "host")]


@pytest.mark.parametrize("method, status", [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_content(at, method, status):
    at.plain.on("/bare", lambda e: e.head(status, [("etag", '"1"')], end=True))
    with at.connect("plain") as client:
        for _ in range(2):
            head = client.send(at.head(method, "plain", "/bare")).head()
            assert head.status == status and head.get("ETag") == '"1"'


def test_exchanges_share_connections(at):
    at.plain.on("/same", lambda e: e.answer(200, b"x"))
    for _ in range(20):
        assert at.ask("plain", "/same")[0].status == 200
    used = {one.connection.number for one in at.plain.seen if one.get(":path") == "/same"}
    # One for each shard of the connector.
    assert len(used) <= 2


def test_the_limit_of_an_origin_is_kept(at):
    release, most, now, lock = threading.Event(), [0], {}, threading.Lock()

    def busy(e):
        with lock:
            number = e.connection.number
            now[number] = now.get(number, 0) + 1
            most[0] = max(most[0], now[number])
        release.wait(20)
        with lock:
            now[number] -= 1
        e.answer(200, b"done")
    at.narrow.on("/busy", busy)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(at.ask("narrow", "/busy")[0].status)) for _ in range(12)]
    for one in threads:
        one.start()
    wait_until(lambda: sum(now.values()) >= 4, "exchanges at the origin")
    release.set()
    for one in threads:
        one.join(30)
    assert answers == [200] * 12 and most[0] <= 2


def test_nothing_is_asked_before_the_origin_has_said_how_much_it_takes(at):
    """Its first SETTINGS come late; more requests wait than it will allow."""
    at.late.go.clear()
    answers, streams_before = [], len(at.late.seen)
    at.late.on("/late", lambda e: e.answer(200, b"late"))
    threads = [threading.Thread(target=lambda: answers.append(at.ask("late", "/late", "POST")[0].status)) for _ in range(8)]
    for one in threads:
        one.start()
    wait_until(lambda: at.late.waiting, "the connector to come")
    time.sleep(0.5)
    assert len(at.late.seen) == streams_before
    at.late.go.set()
    for one in threads:
        one.join(30)
    assert answers == [200] * 8
    assert not [one for one in at.late.seen if one.reset_code is not None]


def test_trailers_pass_both_ways(at):
    def answer(e):
        content = e.content()
        e.head(200, [("content-type", "application/grpc")])
        e.data(content)
        e.trail(("grpc-status", "0"), ("x-sum", dict(e.trailers)["x-sum"]))
    at.plain.on("/trailers", answer)
    with at.connect("plain") as client:
        client.send(at.head("POST", "plain", "/trailers", "Transfer-Encoding: chunked", "TE: trailers", "Trailer: X-Sum")
                    + b"5\r\nhello\r\n0\r\nX-Sum: 17\r\nHost: evil\r\n\r\n")
        head = client.head()
        assert b"".join(read_content(client.stream, head, True)) == b"hello"
    assert ("grpc-status", "0") in client.stream.trailers and ("x-sum", "17") in client.stream.trailers
    assert at.plain.seen[-1].get("te") == "trailers"
    assert [name for name, _ in at.plain.seen[-1].trailers] == ["x-sum"]


def test_trailers_without_content_pass(at):
    at.plain.on("/only", lambda e: e.head(200, [("grpc-status", "12"), ("content-type", "application/grpc")], end=True))
    head, body = at.ask("plain", "/only", "POST", b"x", ["TE: trailers"])
    assert head.get("grpc-status") == "12" and body == b""


def test_both_sides_may_speak_at_the_same_time(at):
    def echo(e):
        e.head(200)
        for piece in e.pieces():
            e.data(piece)
        e.trail(("x-end", "1"))
    at.plain.on("/duplex", echo)
    with at.connect("plain") as client:
        client.send(at.head("POST", "plain", "/duplex", "Transfer-Encoding: chunked", "TE: trailers"))
        head = client.head()
        pieces = read_content(client.stream, head, True)
        for text in (b"one", b"two", b"three"):
            client.send(b"%x\r\n%s\r\n" % (len(text), text))
            assert next(pieces) == text
        client.send(b"0\r\n\r\n")
        assert b"".join(pieces) == b"" and ("x-end", "1") in client.stream.trailers


@pytest.mark.parametrize("name", ["plain", "tls"])
def test_large_content_passes_both_ways(at, name):
    size = 24 * MIB + 5

    def digest(e):
        found = hashlib.sha256()
        for piece in e.pieces():
            found.update(piece)
        e.head(200, [("x-sha256", found.hexdigest()), ("content-length", str(size))])
        for block in pattern.blocks(size):
            e.data(block)
        e.data(b"", end=True)
    getattr(at, name).on("/large", digest)
    arrived = pattern.checker()
    with at.connect(name) as client:
        client.send(at.head("PUT", name, "/large", f"Content-Length: {size}"))
        for block in pattern.blocks(size):
            client.stream.send(block)
        head = client.head()
        assert head.get("X-Sha256") == pattern.sha256(size)
        for piece in read_content(client.stream, head, True):
            arrived.take(piece)
    arrived.expect(size)


def test_interim_responses_pass(at):
    def answer(e):
        e.head(103, [("link", "</a.css>; rel=preload")])
        e.answer(200, b"x")
    at.plain.on("/hints", answer)
    with at.connect("plain") as client:
        client.send(at.head("GET", "plain", "/hints"))
        first = client.head()
        assert first.status == 103 and first.get("Link")
        assert client.head().status == 200


def test_content_waits_for_the_origins_100(at):
    asked = threading.Event()

    def answer(e):
        assert e.get("expect") == "100-continue"
        asked.set()
        e.head(100)
        e.answer(200, e.content())
    at.plain.on("/expect", answer)
    with at.connect("plain") as client:
        client.send(at.head("POST", "plain", "/expect", "Content-Length: 5", "Expect: 100-continue"))
        assert client.head().status == 100 and asked.is_set()
        assert client.send(b"hello").answer()[1] == b"hello"


def test_an_early_answer_ends_the_upload(at):
    def refuse(e):
        e.answer(403, b"no")
        e.reset(h2.errors.ErrorCodes.NO_ERROR)
    at.plain.on("/early", refuse)
    with at.connect("plain") as client:
        client.send(at.head("POST", "plain", "/early", f"Content-Length: {100 * MIB}") + b"x" * 10_000)
        head, body = client.answer()
    assert head.status == 403 and body == b"no"


def test_a_user_who_leaves_ends_the_stream_and_nothing_else(at):
    codes, used = [], []

    def endless(e):
        used.append(e.connection)
        e.head(200)
        try:
            while True:
                e.data(b"x")
                time.sleep(0.02)
        except ConnectionError:
            codes.append(e.reset_code)
    at.plain.on("/endless", endless)
    with at.connect("plain") as client:
        client.send(at.head("GET", "plain", "/endless"))
        assert client.head().status == 200
    wait_until(lambda: codes, "the origin to learn")
    assert codes == [h2.errors.ErrorCodes.CANCEL]
    # Each shard of the connector has a connection of its own: what follows need not come on this one.
    assert at.ask("plain", "/nothing")[0].status == 404 and used[0].open


def test_an_upload_cut_short_is_cut_short_at_the_origin(at):
    ends = []

    def answer(e):
        try:
            ends.append(len(e.content()))
        except ConnectionError:
            ends.append("reset")
    at.plain.on("/cut", answer)
    for fields, content in ((["Content-Length: 1000000"], b"x" * 500_000),
                            (["Transfer-Encoding: chunked"], b"5\r\nhello\r\n5\r\nhe")):
        count, before = len(ends), len(at.plain.seen)
        with at.connect("plain") as client:
            client.send(at.head("POST", "plain", "/cut", *fields) + content)
            wait_until(lambda: any(e.get(":path") == "/cut" for e in at.plain.seen[before:]), "the request to arrive")
            time.sleep(0.2)
        wait_until(lambda: len(ends) > count, "the origin to learn")
    assert ends == ["reset", "reset"]


@pytest.mark.parametrize("how", ["reset", "close", "short"])
def test_a_download_cut_short_is_cut_short_at_the_user(at, how):
    def answer(e):
        e.head(200, [("content-length", "10000")] if how == "short" else [])
        e.data(b"x" * 5_000)
        time.sleep(0.1)
        if how == "reset":
            e.reset()
        elif how == "close":
            e.connection.close()
        else:
            e.data(b"", end=True)
    at.plain.on("/torn", answer)
    with at.connect("plain") as client:
        client.send(at.head("GET", "plain", "/torn"))
        head = client.head()
        assert head.status == 200
        with pytest.raises((EOFError, OSError)):
            b"".join(read_content(client.stream, head, True))


def test_refused_streams_are_tried_again_also_if_they_must_not_be_repeated(at):
    seen = []

    def refuse_once(e):
        seen.append(e.number)
        if len(seen) == 1:
            return e.reset(h2.errors.ErrorCodes.REFUSED_STREAM)
        return e.answer(200, b"second")
    at.plain.on("/refused", refuse_once)
    assert at.ask("plain", "/refused", "DELETE")[1] == b"second"
    seen.clear()
    with at.connect("plain") as client:
        client.send(at.head("POST", "plain", "/refused", "Content-Length: 0"))
        assert client.answer()[1] == b"second"


def test_an_origin_that_goes_away_finishes_what_it_began(at):
    began, release = threading.Event(), threading.Event()

    def slow(e):
        began.set()
        release.wait(20)
        e.answer(200, b"finished")
    at.plain.on("/slow", slow)
    at.plain.on("/quick", lambda e: e.answer(200, str(e.connection.number).encode()))
    answers = []
    thread = threading.Thread(target=lambda: answers.append(at.ask("plain", "/slow")[1]))
    thread.start()
    assert began.wait(10)
    leaving = at.plain.seen[-1].connection
    # Past the library, which would take the connection for ended.
    goodbye = hyperframe.frame.GoAwayFrame(0, last_stream_id=leaving.h2.highest_inbound_stream_id)
    with leaving.changed:
        leaving.sock.sendall(goodbye.serialize())
    wait_until(lambda: at.ask("plain", "/quick")[1] != str(leaving.number).encode(), "the connector to take notice")
    for _ in range(4):
        head, number = at.ask("plain", "/quick")
        assert head.status == 200 and number != str(leaving.number).encode()
    release.set()
    thread.join(20)
    assert answers == [b"finished"]


def test_origins_that_speak_no_http2_are_refused_by_that_name(at):
    at.old.on("/", lambda e: e.answer(400, b"what?") and False)
    for name in ("old", "oldtls"):
        head, body = at.ask(name, "/x", fields=["Accept: application/problem+json"])
        assert head.status == 502 and b"origin_protocol" in body, body
    head, body = at.ask("untrusted", "/x", fields=["Accept: application/problem+json"])
    assert head.status == 502 and b"origin_certificate" in body


def test_silent_origins_are_late(at):
    at.plain.on("/silent", lambda e: e.wait_for_reset())
    head, body = at.ask("impatient", "/silent", fields=["Accept: application/problem+json"])
    assert head.status == 504 and b"origin_timeout" in body

    def half(e):
        e.head(200)
        e.data(b"begun")
        e.wait_for_reset()
    at.plain.on("/half", half)
    with at.connect("idle") as client:
        client.send(at.head("GET", "idle", "/half"))
        head = client.head()
        with pytest.raises((EOFError, OSError)):
            b"".join(read_content(client.stream, head, True))


def test_slow_readers_hold_up_nobody_on_the_same_connection(at):
    def pour(e):
        e.head(200, [("content-length", str(64 * MIB))])
        for block in pattern.blocks(64 * MIB):
            e.data(block)
    at.plain.on("/pour", pour)
    at.plain.on("/fast", lambda e: e.answer(200, b"y" * 100_000))
    stuck = [at.connect("plain") for _ in range(10)]
    try:
        for one in stuck:
            assert one.send(at.head("GET", "plain", "/pour")).head().status == 200
        time.sleep(1)
        started = time.monotonic()
        for _ in range(50):
            assert len(at.ask("plain", "/fast")[1]) == 100_000
        assert time.monotonic() - started < 10 * PATIENCE
    finally:
        for one in stuck:
            one.stream.close()


def test_websockets_go_over_http1(at):
    """RFC 8441 is not asked of origins: what is published as HTTP/2 may have its WebSockets on the same port."""
    at.old.on("/socket", lambda e: e.send(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"))
    with at.connect("old") as client:
        client.send(at.head("GET", "old", "/socket", "Connection: Upgrade", "Upgrade: websocket",
                            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
        assert client.head().status == 403
    assert at.old.last("/socket").get("Upgrade") == "websocket"
