"""HTTP/2 at the edge: everything that HTTP/1.1 can, many at once, and several names on one connection."""
import json
import threading
import time

import pytest

from harness import certificates, pattern
from harness.http2 import http2_client
from harness.processes import wait_until
from harness.tunnel import tunnel, tunnel_context
from harness.wire import message

MIB = 1 << 20


def test_a_request_and_its_response(world, connect_http2):
    path = world.raw.always("/h2-plain", [("X-One", "1"), ("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "5")], b"hello")
    answer = connect_http2().ask(path + "?a=b", more=[("x-two", "2")])
    assert (answer.status, answer.content) == (200, b"hello")
    assert answer.get("x-one") == "1" and answer.get("content-length") == "5"
    assert not {name for name, _ in answer.fields} & {"connection", "keep-alive", "transfer-encoding", "x-hop"}
    seen = world.raw.last(path)
    assert seen.target == path + "?a=b" and seen.get("X-Two") == "2"
    assert seen.get("Via") == "2 postern" and seen.get("X-Forwarded-Proto") == "https"


def test_many_requests_at_once_end_in_any_order(world, connect_http2):
    doors = [threading.Event() for _ in range(20)]

    def wait(one):
        number = int(one.path.rsplit("/", 1)[1])
        assert doors[number].wait(30)
        one.answer(200, b"answer %d" % number)
    world.raw.on("/h2-doors/", wait)
    client = connect_http2()
    streams = [client.send(f"/h2-doors/{number}") for number in range(20)]
    for number in reversed(range(20)):
        doors[number].set()
        assert client.answer(streams[number]).content == b"answer %d" % number
        assert not any(client.answers[one].over for one in streams[:number])


def test_more_requests_than_may_be_open_are_served_one_after_the_other(world, connect_http2):
    path = world.raw.always("/h2-many", body=b"x" * 100)
    client = connect_http2()
    for _ in range(10):
        streams = [client.send(path) for _ in range(100)]
        assert all(client.answer(one).content == b"x" * 100 for one in streams)


@pytest.mark.parametrize("size", [0, 1, 16_384, 65_535, 65_537, 3 * MIB + 1])
def test_content_arrives_whole_both_ways(world, connect_http2, size):
    def mirror(one):
        body = one.content()
        one.answer(200, body)
    world.raw.on("/h2-mirror", mirror)
    data = b"".join(pattern.blocks(size))
    client = connect_http2()
    for more in ([], [("content-length", str(size))]):
        answer = client.ask("/h2-mirror", "POST", more, content=data)
        assert answer.ended and answer.status == 200 and answer.content == data


def test_content_is_asked_for_before_it_is_taken(world, connect_http2):
    began = threading.Event()

    def late(one):
        began.set()
        one.answer(200, one.content())
    world.raw.on("/h2-continue", late)
    client = connect_http2()
    stream = client.send("/h2-continue", "POST", [("expect", "100-continue"), ("content-length", "5")], ended=False)
    client.wait(lambda: client.answers[stream].interim)
    assert client.answers[stream].interim[0][0] == 100 and began.is_set()
    client.send_content(stream, b"hello", ended=True)
    assert client.answer(stream).content == b"hello"


def test_interim_responses_pass(world, connect_http2):
    def hint(one):
        one.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        one.answer(200, b"page")
    world.raw.on("/h2-hints", hint)
    answer = connect_http2().ask("/h2-hints")
    assert answer.interim == [(103, [("link", "</style.css>; rel=preload")])] and answer.content == b"page"


@pytest.mark.parametrize("method,status", [("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 404)])
def test_responses_without_content(world, connect_http2, method, status):
    def bare(one):
        length = "" if status in (204, 304) else "Content-Length: 1234\r\n"
        one.send(f"HTTP/1.1 {status} X\r\n{length}ETag: \"1\"\r\n\r\n".encode())
        return False
    world.raw.on("/h2-bare", bare)
    client = connect_http2()
    answer = client.ask("/h2-bare", method)
    assert answer.ended and answer.status == status and answer.content == b"" and answer.get("etag") == '"1"'
    assert answer.get("content-length") == ("1234" if method == "HEAD" else None)
    assert client.ask(world.raw.always("/h2-after", body=b"on")).content == b"on"


def test_trailers_pass_both_ways(world, connect_http2):
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
    client = connect_http2()
    stream = client.send("/h2-trailers", "POST", [("te", "trailers"), ("trailer", "x-sum")], ended=False)
    client.send_content(stream, b"content")
    client.state.send_headers(stream, [("x-sum", "7")], end_stream=True)
    client.flush()
    answer = client.answer(stream)
    assert answer.content == b"hello" and answer.trailers == [("grpc-status", "0"), ("grpc-message", "fine")]
    assert got == ["7"]


def test_crumbs_of_a_cookie_are_joined(world, connect_http2):
    path = world.raw.always("/h2-crumbs")
    assert connect_http2().ask(path, more=[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]).status == 200
    assert world.raw.last(path).all("Cookie") == ["a=1; b=2; c=3"]


def test_host_and_authority_must_agree(world, connect_http2):
    path, client = world.raw.always("/h2-host"), connect_http2(careless=True)
    right, wrong = f"raw.localhost:{world.node.port}", "other.localhost"
    assert client.ask(path, more=[("host", right)]).status == 200
    assert world.raw.last(path).all("Host") == [world.raw.url.split("/")[2]]
    assert client.ask(path, more=[("host", wrong)]).status == 400
    refused = client.ask(path, "HEAD", more=[("host", wrong)])
    assert (refused.status, refused.content) == (400, b"")
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


def test_a_user_may_leave_while_its_session_is_watched(world, connect_http2):
    """Whether a session still holds is asked every second of a long exchange: also just after its user has left."""
    door = threading.Event()
    world.raw.on("/h2-watched", lambda e: door.wait(30) and e.answer(200))
    cookie = session_of(world, "guarded")
    for _ in range(3):
        count = world.raw.count("/h2-watched")
        client = connect_http2("guarded")
        client.send("/h2-watched", more=cookie)
        wait_until(lambda: world.raw.count("/h2-watched") > count, "the request to arrive")
        time.sleep(0.4)
        client.close()
    door.set()
    # Nothing shows that a question was asked: its time has to pass.
    time.sleep(1.5)
    assert world.node.process.running
    assert connect_http2().ask(world.raw.always("/h2-unwatched", body=b"well")).content == b"well"


def test_names_share_a_connection_and_keep_their_policies(world, connect_http2):
    client = connect_http2("public")
    path = world.raw.always("/h2-shared", body=b"raw")
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


def test_what_the_connection_was_not_made_for_is_misdirected(world, connect_http2):
    client = connect_http2()
    assert client.ask("/", host="elsewhere.example").status == 421
    assert client.ask("/.well-known/postern", host="connectors.localhost").status == 421
    assert connect_http2("connectors").ask("/.well-known/postern").status == 200
    assert connect_http2("connectors").ask(world.raw.always("/h2-misdirected"), host="raw.localhost").status == 421


def test_connectors_certificates_count_only_under_their_own_name(world, connect_http2):
    identity = world.connector.state / "identity.pem"
    with_it = connect_http2("connectors", certificate=(identity, identity)).ask("/connector/configuration")
    assert with_it.status == 200
    assert connect_http2("connectors").ask("/connector/configuration").status == 403
    assert connect_http2("admin").ask("/connector/configuration", host="connectors.localhost").status == 421


def configuration_status(world, identity):
    """What a connector's call for its configuration is answered with; None if the connection is ended instead."""
    try:
        with http2_client(world.node.port, "connectors.localhost", world.node.ca, certificate=(identity, identity)) as client:
            return client.ask("/connector/configuration").status
    except (EOFError, OSError):
        return None


def is_greeted(world, identity):
    """Whether the node takes a tunnel and asks it who it is."""
    try:
        one = tunnel(world.node.port, "connectors.localhost", tunnel_context(world.node.ca, identity))
    except OSError:
        return False
    try:
        while not one.greeted and one.read() is not None:
            pass
    except OSError:
        pass
    finally:
        one.close()
    return one.greeted


def test_a_certificate_of_another_authority_is_no_connectors(make_world, tmp_path):
    world = make_world(enrolled=False)
    true = world.connector.enroll("main", world.control.enrolment_token("main")).state / "identity.pem"
    assert configuration_status(world, true) == 200 and is_greeted(world, true)
    false = certificates.forged(tmp_path / "forged.pem", certificates.own_certificate(world.connector.state))
    assert configuration_status(world, false) in (None, 401, 403)
    assert not is_greeted(world, false)
    # The true one goes on.
    assert configuration_status(world, true) == 200


def test_sign_in_works(world):
    with world.browser(http2=True) as browser:
        answer = browser.sign_in(world.url("intranet"), "bob", world.node.users["bob"]["password"])
        assert answer.status_code == 200 and answer.http_version == "HTTP/2"
        assert browser.get(world.url("intranet", "whoami")).http_version == "HTTP/2"


def test_the_admin_api_answers(world, connect_http2):
    client = connect_http2("admin")
    token = world.control.access_token()
    answer = client.ask("/api/v1/applications", more=[("authorization", f"Bearer {token}")])
    assert answer.status == 200 and json.loads(answer.content)
    bad = client.ask("/api/v1/apply", "POST", [("authorization", f"Bearer {token}"),
                                              ("content-type", "application/json")], content=b"{" * 200_000)
    assert bad.status == 400 and json.loads(bad.content)["cause"]
    assert client.ask("/api/v1/apply", "POST", content=b"x" * (2 * MIB)).status in (401, 413)


@pytest.mark.parametrize("name,status", [("refused", 502), ("closedpublic", 503), ("silent", 504), ("guarded", 401)])
def test_refusals_name_their_source(world, connect_http2, name, status):
    world.raw.on("/h2-mute", lambda e: time.sleep(3) or False)
    answer = connect_http2(name).ask("/h2-mute")
    assert answer.status == status
    problem = json.loads(answer.content)
    assert problem["status"] == status and problem["source"] and problem["request_id"] == answer.get("x-request-id")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_methods_of_others_are_refused(world, connect_http2, method):
    client = connect_http2(careless=True)
    fields = [(":method", method), (":authority", f"raw.localhost:{world.node.port}")]
    if method == "TRACE":
        fields += [(":scheme", "https"), (":path", "/h2-method")]
    answer = client.answer(client.send(fields=fields))
    assert answer.status in (400, 405, 501)
    tunnel = client.send(fields=[(":method", "CONNECT"), (":protocol", "connect-udp"), *client.fields("/h2-method")[1:]])
    assert client.answer(tunnel).status in (400, 405, 501)
    assert world.raw.count("/h2-method") == 0
