"""HTTP/2 at the edge: everything that HTTP/1.1 can, many at once, and several names on one connection."""
import base64
import hashlib
import json
import threading
import time

import pytest

from harness import pattern
from harness.http2 import http2_client
from harness.processes import wait_until
from harness.wire import message

MIB = 1 << 20


@pytest.fixture
def connect(world):
    """Makes connections for a name; they are closed afterwards."""
    made = []

    def make(name="raw", **options):
        made.append(http2_client(world.node.port, f"{name}.localhost", world.node.ca, **options))
        return made[-1]
    yield make
    for one in made:
        one.close()


def shape(world, path, fields=(), body=b"", status=200):
    world.raw.on(path, lambda e: e.answer(status, body, fields))
    return path


def test_a_request_and_its_response(world, connect):
    path = shape(world, "/h2-plain", [("X-One", "1"), ("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "5")], b"hello")
    answer = connect().ask(path + "?a=b", more=[("x-two", "2")])
    assert (answer.status, answer.content) == (200, b"hello")
    assert answer.get("x-one") == "1" and answer.get("content-length") == "5"
    assert not {name for name, _ in answer.fields} & {"connection", "keep-alive", "transfer-encoding", "x-hop"}
    seen = world.raw.last(path)
    assert seen.target == path + "?a=b" and seen.get("X-Two") == "2"
    assert seen.get("Via") == "2 postern" and seen.get("X-Forwarded-Proto") == "https"


def test_many_requests_at_once_end_in_any_order(world, connect):
    doors = [threading.Event() for _ in range(20)]

    def wait(one):
        number = int(one.path.rsplit("/", 1)[1])
        assert doors[number].wait(30)
        one.answer(200, b"answer %d" % number)
    world.raw.on("/h2-doors/", wait)
    client = connect()
    streams = [client.send(f"/h2-doors/{number}") for number in range(20)]
    for number in reversed(range(20)):
        doors[number].set()
        assert client.answer(streams[number]).content == b"answer %d" % number
        assert not any(client.answers[one].over for one in streams[:number])


def test_more_requests_than_may_be_open_are_served_one_after_the_other(world, connect):
    path = shape(world, "/h2-many", body=b"x" * 100)
    client = connect()
    for _ in range(10):
        streams = [client.send(path) for _ in range(100)]
        assert all(client.answer(one).content == b"x" * 100 for one in streams)


@pytest.mark.parametrize("size", [0, 1, 16_384, 65_535, 65_537, 3 * MIB + 1])
def test_content_arrives_whole_both_ways(world, connect, size):
    def mirror(one):
        body = one.content()
        one.answer(200, body)
    world.raw.on("/h2-mirror", mirror)
    data = b"".join(pattern.blocks(size))
    client = connect()
    for more in ([], [("content-length", str(size))]):
        answer = client.ask("/h2-mirror", "POST", more, content=data)
        assert answer.ended and answer.status == 200 and answer.content == data


def test_content_is_asked_for_before_it_is_taken(world, connect):
    began = threading.Event()

    def late(one):
        began.set()
        one.answer(200, one.content())
    world.raw.on("/h2-continue", late)
    client = connect()
    stream = client.send("/h2-continue", "POST", [("expect", "100-continue"), ("content-length", "5")], ended=False)
    client.wait(lambda: client.answers[stream].interim)
    assert client.answers[stream].interim[0][0] == 100 and began.is_set()
    client.send_content(stream, b"hello", ended=True)
    assert client.answer(stream).content == b"hello"


def test_interim_responses_pass(world, connect):
    def hint(one):
        one.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        one.answer(200, b"page")
    world.raw.on("/h2-hints", hint)
    answer = connect().ask("/h2-hints")
    assert answer.interim == [(103, [("link", "</style.css>; rel=preload")])] and answer.content == b"page"


@pytest.mark.parametrize("method,status", [("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 404)])
def test_responses_without_content(world, connect, method, status):
    def bare(one):
        length = "" if status in (204, 304) else "Content-Length: 1234\r\n"
        one.send(f"HTTP/1.1 {status} X\r\n{length}ETag: \"1\"\r\n\r\n".encode())
        return False
    world.raw.on("/h2-bare", bare)
    client = connect()
    answer = client.ask("/h2-bare", method)
    assert answer.ended and answer.status == status and answer.content == b"" and answer.get("etag") == '"1"'
    assert answer.get("content-length") == ("1234" if method == "HEAD" else None)
    assert client.ask(shape(world, "/h2-after", body=b"on")).content == b"on"


def test_trailers_pass_both_ways(world, connect):
    got = []

    def serve(one):
        assert one.head.get("TE") == "trailers"
        body = b""
        while size := int(one.stream.until(b"\r\n"), 16):
            body += one.stream.exactly(size)
            one.stream.exactly(2)
        got.append(message(b"X\r\n" + one.stream.until(b"\r\n\r\n")).get("x-sum"))
        one.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: grpc-status\r\n\r\n"
                 b"5\r\nhello\r\n0\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n")
    world.raw.on("/h2-trailers", serve)
    client = connect()
    stream = client.send("/h2-trailers", "POST", [("te", "trailers"), ("trailer", "x-sum")], ended=False)
    client.send_content(stream, b"content")
    client.state.send_headers(stream, [("x-sum", "7")], end_stream=True)
    client.flush()
    answer = client.answer(stream)
    assert answer.content == b"hello" and answer.trailers == [("grpc-status", "0"), ("grpc-message", "fine")]
    assert got == ["7"]


def test_crumbs_of_a_cookie_are_joined(world, connect):
    path = shape(world, "/h2-crumbs")
    assert connect().ask(path, more=[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]).status == 200
    assert world.raw.last(path).all("Cookie") == ["a=1; b=2; c=3"]


def test_host_and_authority_must_agree(world, connect):
    path, client = shape(world, "/h2-host"), connect(careless=True)
    right, wrong = f"raw.localhost:{world.node.port}", "other.localhost"
    assert client.ask(path, more=[("host", right)]).status == 200
    assert world.raw.last(path).all("Host") == [world.raw.url.split("/")[2]]
    assert client.ask(path, more=[("host", wrong)]).status == 400
    only_host = client.send(fields=[(":method", "GET"), (":scheme", "https"), (":path", path), ("host", right)])
    assert client.answer(only_host).status == 200
    for fields in ([(":authority", "user@raw.localhost")], [(":authority", "")], []):
        stream = client.send(fields=[(":method", "GET"), (":scheme", "https"), *fields, (":path", path)])
        answer = client.answer(stream)
        assert answer.status == 400 or answer.reset is not None
    assert world.raw.count(path) == 2


def session_of(world, name):
    with world.signed_in(name) as browser:
        return [("cookie", f"{one.name}={one.value}") for one in browser.client.cookies.jar if one.domain.startswith(name)]


def test_a_user_may_leave_while_its_session_is_watched(world, connect):
    """Whether a session still holds is asked every second of a long exchange: also just after its user has left."""
    door = threading.Event()
    world.raw.on("/h2-watched", lambda e: door.wait(30) and e.answer(200))
    cookie = session_of(world, "guarded")
    for _ in range(3):
        count = world.raw.count("/h2-watched")
        client = connect("guarded")
        client.send("/h2-watched", more=cookie)
        wait_until(lambda: world.raw.count("/h2-watched") > count, "the request to arrive")
        time.sleep(0.4)
        client.close()
    door.set()
    # Nothing shows that a question was asked: its time has to pass.
    time.sleep(1.5)
    assert world.node.process.running
    assert connect().ask(shape(world, "/h2-unwatched", body=b"well")).content == b"well"


def test_names_share_a_connection_and_keep_their_policies(world, connect):
    client = connect("public")
    path = shape(world, "/h2-shared", body=b"raw")
    assert client.ask(path, host="raw.localhost").content == b"raw"
    assert client.ask("/", host="public.localhost").status == 200
    refused = client.ask("/", host="guarded.localhost")
    assert refused.status == 401 and refused.get("content-type") == "application/problem+json"
    assert client.ask("/nowhere", host="admin.localhost").status in (401, 404)
    cookie = session_of(world, "guarded")
    assert client.ask(path, host="guarded.localhost", more=cookie).content == b"raw"
    assert world.raw.last(path).get("X-Postern-User") == "bob"
    # What one name is allowed to says nothing about another on the same connection.
    assert client.ask("/", host="intranet.localhost", more=cookie).status == 401
    assert client.ask(path, host="raw.localhost", more=cookie).content == b"raw"
    assert world.raw.last(path).get("X-Postern-User") is None


def test_what_the_connection_was_not_made_for_is_misdirected(world, connect):
    client = connect()
    assert client.ask("/", host="elsewhere.example").status == 421
    assert client.ask("/.well-known/postern", host="connectors.localhost").status == 421
    assert connect("connectors").ask("/.well-known/postern").status == 200
    assert connect("connectors").ask(shape(world, "/h2-misdirected"), host="raw.localhost").status == 421


def test_connectors_certificates_count_only_under_their_own_name(world, connect):
    identity = world.connector.state / "identity.pem"
    with_it = connect("connectors", certificate=(identity, identity)).ask("/connector/configuration")
    assert with_it.status == 200
    assert connect("connectors").ask("/connector/configuration").status == 403
    assert connect("admin").ask("/connector/configuration", host="connectors.localhost").status == 421


def test_sign_in_works(world):
    with world.browser(http2=True) as browser:
        answer = browser.sign_in(world.url("intranet"), "bob", world.node.users["bob"]["password"])
        assert answer.status_code == 200 and answer.http_version == "HTTP/2"
        assert browser.get(world.url("intranet", "whoami")).http_version == "HTTP/2"


def test_the_admin_api_answers(world, connect):
    client = connect("admin")
    token = world.control.access_token()
    answer = client.ask("/api/v1/applications", more=[("authorization", f"Bearer {token}")])
    assert answer.status == 200 and json.loads(answer.content)
    bad = client.ask("/api/v1/apply", "POST", [("authorization", f"Bearer {token}"),
                                              ("content-type", "application/json")], content=b"{" * 200_000)
    assert bad.status == 400 and json.loads(bad.content)["cause"]
    assert client.ask("/api/v1/apply", "POST", content=b"x" * (2 * MIB)).status in (401, 413)


@pytest.mark.parametrize("name,status", [("refused", 502), ("closedpublic", 503), ("silent", 504), ("guarded", 401)])
def test_refusals_name_their_source(world, connect, name, status):
    world.raw.on("/h2-mute", lambda e: time.sleep(3) or False)
    answer = connect(name).ask("/h2-mute")
    assert answer.status == status
    problem = json.loads(answer.content)
    assert problem["status"] == status and problem["source"] and problem["request_id"] == answer.get("x-request-id")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_methods_of_others_are_refused(world, connect, method):
    client = connect(careless=True)
    fields = [(":method", method), (":authority", f"raw.localhost:{world.node.port}")]
    if method == "TRACE":
        fields += [(":scheme", "https"), (":path", "/h2-method")]
    answer = client.answer(client.send(fields=fields))
    assert answer.status in (400, 405, 501)
    tunnel = client.send(fields=[(":method", "CONNECT"), (":protocol", "connect-udp"), *client.fields("/h2-method")[1:]])
    assert client.answer(tunnel).status in (400, 405, 501)
    assert world.raw.count("/h2-method") == 0


# -- ends ------------------------------------------------------------------------------------------------------------

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
def test_an_abort_of_the_user_reaches_the_origin(world, connect, how):
    ended = endless(world, f"/h2-endless-{how}")
    client = connect()
    stream = client.send(f"/h2-endless-{how}")
    client.wait(lambda: len(client.answers[stream].content) > 20)
    begin = time.monotonic()
    if how == "reset":
        client.reset(stream)
    else:
        client.close()
    wait_until(lambda: ended, "the origin to notice", 5)
    assert ended[0] - begin < 1
    if how == "reset":
        assert client.ask(shape(world, "/h2-alive", body=b"alive")).content == b"alive"


def test_an_abort_before_the_response_reaches_the_origin(world, connect):
    asked, ended = threading.Event(), []

    def serve(one):
        asked.set()
        try:
            one.stream.exactly(1)
        except (EOFError, OSError):
            ended.append(time.monotonic())
            raise
    world.raw.on("/h2-abandoned", serve)
    client = connect()
    stream = client.send("/h2-abandoned")
    assert asked.wait(10)
    begin = time.monotonic()
    client.reset(stream)
    wait_until(lambda: ended, "the origin to notice", 5)
    assert ended[0] - begin < 1


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"], ids=["length", "chunked"])
def test_a_response_cut_short_is_never_taken_for_whole(world, connect, framing):
    def cut(one):
        one.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + (b"5\r\nhello\r\n" if b"chunked" in framing else b"hello"))
        one.close()
        return False
    world.raw.on("/h2-cut", cut)
    client = connect()
    answer = client.answer(client.send("/h2-cut"))
    assert answer.status == 200 and not answer.ended and answer.reset is not None
    assert b"hello".startswith(answer.content)
    assert client.ask(shape(world, "/h2-alive", body=b"alive")).content == b"alive"


def test_a_request_cut_short_is_never_taken_for_whole(world, connect):
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
    client = connect(careless=True)
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


def test_an_early_response_ends_the_content(world, connect):
    def early(one):
        one.answer(403, b"no", [("Connection", "close")])
        return False
    world.raw.on("/h2-early", early)
    client = connect()
    stream = client.send("/h2-early", "POST", ended=False)
    client.send_content(stream, b"x" * 100_000)
    answer = client.answer(stream)
    assert answer.status == 403 and answer.content == b"no"
    assert client.ask(shape(world, "/h2-alive", body=b"alive")).content == b"alive"


def test_users_that_do_not_read_stall_nobody_and_cost_little(world, connect):
    size = 8 * MIB

    def large(one):
        one.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for block in pattern.blocks(size):
            one.send(block)
    world.raw.on("/h2-large", large)
    path = shape(world, "/h2-small", body=b"small")
    before = world.node.process.rss()
    stuck = connect(window=65_535)
    streams = [stuck.send("/h2-large") for _ in range(10)]
    stuck.wait(lambda: all(len(stuck.answers[one].content) == 65_535 for one in streams))
    client = connect()
    for number in range(50):
        begin = time.monotonic()
        assert client.ask(path).content == b"small"
        assert stuck.ask(path).content == b"small", number
        assert time.monotonic() - begin < 2
    assert world.node.process.rss() - before < 16 * MIB
    for one in streams:
        stuck.open_window(one, size)
    data = b"".join(pattern.blocks(size))
    assert all(stuck.answer(one, 120).content == data for one in streams)


def test_an_upload_waits_for_a_slow_origin_in_little_memory(world, connect):
    size, door = 64 * MIB, threading.Event()

    def slow(one):
        pieces = one.pieces()
        digest = hashlib.sha256(next(pieces))
        assert door.wait(60)
        for piece in pieces:
            digest.update(piece)
        one.answer(200, digest.hexdigest().encode())
    world.raw.on("/h2-slow", slow)
    client = connect()
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
    assert world.node.process.rss() + world.connector.process.rss() - before < 32 * MIB


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


# -- WebSocket (RFC 8441) --------------------------------------------------------------------------------------------

def accept(one):
    key = one.head.get("Sec-WebSocket-Key")
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def open_websocket(client, path, more=()):
    fields = [(":method", "CONNECT"), (":protocol", "websocket"), *client.fields(path)[1:],
              ("sec-websocket-version", "13"), ("origin", "https://x.example"), *more]
    return client.send(fields=fields, ended=False)


def test_websockets_are_byte_streams(world, connect):
    def upgrade(one):
        assert one.head.method == "GET" and one.head.get("Upgrade") == "websocket"
        one.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSet-Cookie: a=b\r\n"
                 f"Sec-WebSocket-Protocol: echo\r\nSec-WebSocket-Accept: {accept(one)}\r\n\r\n".encode())
        while piece := one.stream.exactly(6):
            one.send(piece[::-1])
    world.raw.on("/h2-socket", upgrade)
    client = connect(careless=True)
    client.wait(lambda: client.state.remote_settings.enable_connect_protocol == 1)
    stream = open_websocket(client, "/h2-socket", [("sec-websocket-protocol", "echo")])
    client.wait(lambda: client.answers[stream].fields)
    answer = client.answers[stream]
    assert answer.status == 200 and answer.get("sec-websocket-protocol") == "echo" and answer.get("set-cookie") == "a=b"
    assert answer.get("sec-websocket-accept") is None and answer.get("upgrade") is None
    for _ in range(3):
        client.send_content(stream, b"abcdef")
    client.wait(lambda: answer.content == b"fedcba" * 3)
    client.reset(stream)
    assert client.ask(shape(world, "/h2-alive", body=b"alive")).content == b"alive"


def test_websockets_end_as_their_origin_does(world, connect):
    def upgrade(one):
        one.send(f"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 f"Sec-WebSocket-Accept: {accept(one)}\r\n\r\nbye".encode())
        return False
    world.raw.on("/h2-short-socket", upgrade)
    client = connect(careless=True)
    stream = open_websocket(client, "/h2-short-socket")
    answer = client.answer(stream)
    assert answer.status == 200 and answer.content == b"bye"


def test_an_origin_that_does_not_mean_websocket_is_no_websocket(world, connect):
    world.raw.on("/h2-liar", lambda e: e.send(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                              b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"))
    shape(world, "/h2-no-socket", status=404, body=b"none")
    client = connect(careless=True)
    assert client.answer(open_websocket(client, "/h2-liar")).status == 502
    refused = client.answer(open_websocket(client, "/h2-no-socket"))
    assert refused.status == 404 and refused.content == b"none"
    guarded = connect("guarded", careless=True)
    assert guarded.answer(open_websocket(guarded, "/h2-liar")).status == 401
