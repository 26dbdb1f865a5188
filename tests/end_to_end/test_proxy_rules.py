"""What a proxy must and must not do with a message (RFC 9110, 9112, 7239), one table per rule, bytes on the wire."""
import pytest

from harness.wire import raw_client, read_content


@pytest.fixture
def client(world):
    with raw_client(world.node.port, "raw.localhost", world.node.ca) as one:
        yield one
    # The origin is everybody's: what answers anything may not outlive the test.
    for prefix in ("/", "/rule"):
        world.raw.handlers.pop(prefix, None)


def request(world, *lines, first="GET /rule HTTP/1.1", host=None, content=b""):
    head = [first, f"Host: {host or f'raw.localhost:{world.node.port}'}", *lines]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + content


def passed(world, client, *lines, **options):
    """Sends a request that is good; its head as the origin got it."""
    world.raw.handlers.pop("/rule", None)
    world.raw.on("/", lambda e: (e.content(), e.answer(200, b"ok"))[1])
    client.send(request(world, *lines, **options))
    head, content = client.answer()
    assert (head.status, content) == (200, b"ok")
    return world.raw.seen[-1]


# -- fields between two hops only (RFC 9110, section 7.6.1) ----------------------------------------------------------

HOP_BY_HOP = ["Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic eDp5", "TE: gzip",
              "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", "Connection: X-Named", "Connection: close, X-Named",
              "connection: x-named , keep-alive"]


@pytest.mark.parametrize("line", HOP_BY_HOP)
def test_request_fields_of_one_hop_end_here(world, client, line):
    name = line.split(":")[0]
    seen = passed(world, client, line, "X-Named: 1", "X-Other: 2")
    assert seen.get("X-Other") == "2"
    if name.lower() == "connection":
        assert seen.get("X-Named") is None
        assert "x-named" not in (seen.get("Connection") or "").lower()
    else:
        assert line.split(": ")[1] not in seen.all(name)


@pytest.mark.parametrize("line", ["Keep-Alive: timeout=5", "Proxy-Connection: close", "Upgrade: h2c",
                                  "Connection: X-Named", "Connection: keep-alive, x-named"])
def test_response_fields_of_one_hop_end_here(world, client, line):
    world.raw.on("/rule", lambda e: e.send(f"HTTP/1.1 200 OK\r\n{line}\r\nX-Named: 1\r\nX-Other: 2\r\n"
                                           "Content-Length: 2\r\n\r\nok".encode()))
    client.send(request(world))
    head, content = client.answer()
    assert (head.status, content, head.get("X-Other")) == (200, b"ok", "2")
    assert line.split(": ")[1] not in head.all(line.split(":")[0])
    if line.startswith("Connection"):
        assert head.get("X-Named") is None


def test_via_names_every_hop(world, client):
    assert passed(world, client).all("Via") == ["1.1 postern"]
    assert ", ".join(passed(world, client, "Via: 1.0 inner").all("Via")) == "1.0 inner, 1.1 postern"
    world.raw.on("/rule", lambda e: e.answer(200, b"", [("Via", "1.1 behind")]))
    client.send(request(world))
    assert ", ".join(client.answer()[0].all("Via")) == "1.1 behind, 1.1 postern"


def test_via_names_the_version_that_a_message_was_received_in(world, client):
    world.raw.on("/rule", lambda e: e.send(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    client.send(request(world))
    assert client.answer()[0].all("Via") == ["1.0 postern"]
    assert passed(world, client, first="GET /old HTTP/1.0").all("Via") == ["1.0 postern"]


@pytest.mark.parametrize("line", [
    "Forwarded: for=192.0.2.1;host=evil.example;proto=http", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Host: evil.example",
    "X-Forwarded-Proto: http", "X-Forwarded-Port: 1", "X-Real-IP: 192.0.2.1", "X_Forwarded_For: 192.0.2.1",
    "x-forwarded-FOR: 192.0.2.1", "X-Request-Id: chosen", "X-Postern-User: alice", "X_Postern_User: alice"])
def test_what_only_the_service_says_is_said_anew(world, client, line):
    seen = passed(world, client, line, line)
    authority = f"raw.localhost:{world.node.port}"
    assert seen.all("Forwarded") == [f'for=127.0.0.1;host="{authority}";proto=https']
    assert seen.all("X-Forwarded-For") == ["127.0.0.1"]
    assert seen.all("X-Forwarded-Host") == [authority] and seen.all("X-Forwarded-Proto") == ["https"]
    name, value = line.split(": ")
    assert value not in seen.all(name) and value not in seen.all(name.replace("_", "-"))


# -- targets ---------------------------------------------------------------------------------------------------------

EXACT = ["/", "/%2e%2e/x", "/a/../b", "/a//b", "//a", "/a;b=c", "/a;/../b", "/a%23b", "/a%2Fb", "/a%2fb", "/%41", "/a%00b",
         "/a%0d%0ab", "/a?", "/a?b=../c", "/a?b=%2e%2e", "/a?b?c", "/a?b//c", "/a'b", '/a"b', "/a|b", "/a{b}", "/a^b", "/~a",
         "/a:b@c", "/*", "/%", "/%zz", "/" + "a" * 8000]


@pytest.mark.parametrize("target", EXACT, ids=[one[:20] for one in EXACT])
def test_the_target_is_handed_on_exactly(world, client, target):
    assert passed(world, client, first=f"GET {target} HTTP/1.1").target == target


@pytest.mark.parametrize("target", ["/a\\b", "/a#b", "/a\tb", "/a\x7f", "a", "*", "//", "http:/a", "ftp://raw.localhost/a",
                                    "https://raw.localhost?a", "https://user@raw.localhost/a"])
def test_a_target_that_can_be_read_in_two_ways_is_refused(world, client, target):
    before = len(world.raw.seen)
    client.send(request(world, first=f"GET {target} HTTP/1.1"))
    if target == "//":
        assert client.answer()[0].status in (200, 400, 404)
        return
    assert client.head().status == 400
    assert len(world.raw.seen) == before


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "http"])
def test_absolute_form_is_origin_form_of_the_same_host(world, client, scheme):
    authority = f"raw.localhost:{world.node.port}"
    seen = passed(world, client, first=f"GET {scheme}://{authority}/rule?x HTTP/1.1")
    assert seen.target == "/rule?x"


@pytest.mark.parametrize("named", ["guarded.localhost:{port}", "raw.localhost", "raw.localhost:1", "127.0.0.1", ""])
def test_absolute_form_must_name_the_host_of_host(world, client, named):
    before = len(world.raw.seen)
    client.send(request(world, first=f"GET https://{named.format(port=world.node.port)}/rule HTTP/1.1"))
    assert client.head().status == 400
    assert len(world.raw.seen) == before


@pytest.mark.parametrize("first", ["TRACE /rule HTTP/1.1", "CONNECT raw.localhost:443 HTTP/1.1", "CONNECT / HTTP/1.1"])
def test_methods_for_proxies_are_refused(world, client, first):
    before = len(world.raw.seen)
    client.send(request(world, first=first))
    assert client.head().status in (400, 405, 501)
    assert len(world.raw.seen) == before


# -- where one request ends (RFC 9112, section 6 and 11.2) -----------------------------------------------------------

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: raw.localhost\r\n\r\n"
AMBIGUOUS = {
    "length and coding": ["Content-Length: 5", "Transfer-Encoding: chunked"],
    "tab before the coding": ["Transfer-Encoding:\tchunked", "Content-Length: 5"],
    "vertical tab": ["Transfer-Encoding: \x0bchunked"],
    "space before colon": ["Transfer-Encoding : chunked"],
    "tab before colon": ["Transfer-Encoding\t: chunked"],
    "quoted": ['Transfer-Encoding: "chunked"'],
    "list": ["Transfer-Encoding: identity, chunked"],
    "parameter": ["Transfer-Encoding: chunked;x=1"],
    "comma": ["Transfer-Encoding: ,chunked"],
    "twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: x"],
    "empty": ["Transfer-Encoding:", "Content-Length: 5"],
    "folded": ["Transfer-Encoding:\r\n chunked"],
    "bare line feed": ["X: y\nTransfer-Encoding: chunked"],
    "bare carriage return": ["X: y\rTransfer-Encoding: chunked"],
    "null": ["Transfer-Encoding: chunked\0"],
    "lengths": ["Content-Length: 0", "Content-Length: 44"],
    "same lengths": ["Content-Length: 44", "Content-Length: 44"],
    "list of lengths": ["Content-Length: 44, 44"],
    "signed": ["Content-Length: +44"],
    "negative": ["Content-Length: -1"],
    "octal": ["Content-Length: 0o44"],
    "space in length": ["Content-Length: 4 4"],
    "empty length": ["Content-Length: "],
    "underscore and coding": ["Content_Length: 5", "Transfer-Encoding: chunked", "Content-Length: 5"],
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_request_that_could_end_in_two_places_is_refused(world, client, name):
    before = len(world.raw.seen)
    client.send(request(world, *AMBIGUOUS[name], first="POST /rule HTTP/1.1", content=b"0\r\n\r\n" + SMUGGLED))
    head = client.head()
    assert head.status in (400, 501)
    b"".join(read_content(client.stream, head, True))
    assert client.ended()
    assert len(world.raw.seen) == before


def test_requests_in_one_go_are_answered_in_order(world, client):
    world.raw.on("/order", lambda e: e.answer(200, e.head.target.encode() + e.content()))
    client.send(b"".join(request(world, "Content-Length: 5", first=f"POST /order?{n} HTTP/1.1", content=b"-%04d" % n)
                         for n in range(20)))
    for number in range(20):
        assert client.answer()[1] == b"/order?%d-%04d" % (number, number)


def test_content_after_an_early_response_is_no_request(world, client):
    def early(one):
        one.answer(403, b"no", [("Connection", "close")])
        return False
    world.raw.on("/early", early)
    client.send(request(world, "Content-Length: 100000", first="POST /early HTTP/1.1", content=b"x" * 10))
    head, content = client.answer()
    assert (head.status, content) == (403, b"no") and head.get("Connection") == "close"
    try:
        client.send(SMUGGLED)
    except OSError:
        pass
    assert client.ended()
    assert world.raw.count("/smuggled") == 0


BAD_RESPONSES = {
    "length and coding": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "folded": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "bare line feed": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "bare carriage return": b"HTTP/1.1 200 OK\r\nX: a\rY: b\r\nContent-Length: 2\r\n\r\nok",
    "null": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok",
    "space before colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
    "unknown coding below": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok",
    "status 99": b"HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\nok",
    "no http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "switched without being asked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_RESPONSES)
def test_a_response_that_could_end_in_two_places_is_refused(world, client, name):
    def answer(one):
        one.send(BAD_RESPONSES[name])
        return False
    world.raw.on("/bad-response", answer)
    client.send(request(world, first="GET /bad-response HTTP/1.1"))
    head, _ = client.answer()
    assert head.status == 502
    assert passed(world, client, first="GET /after HTTP/1.1").target == "/after"


def test_what_follows_a_response_is_no_response(world, client):
    world.raw.on("/extra", lambda e: e.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
    for _ in range(5):
        client.send(request(world, first="GET /extra HTTP/1.1"))
        assert client.answer()[1] == b"ok"
        assert passed(world, client, first="GET /other HTTP/1.1").target == "/other"


# -- fields that are between user and origin only --------------------------------------------------------------------

UNTOUCHED = ["Range: bytes=2-4, 6-", 'If-Range: "a"', 'If-Match: "a", W/"b"', 'If-None-Match: W/"a"',
             "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "If-Unmodified-Since: Sunday, 06-Nov-94 08:49:37 GMT",
             "Accept-Encoding: br;q=1.0, *;q=0", "Cache-Control: no-store", "Pragma: no-cache", "Max-Forwards: 3", "Priority: u=1, i",
             "Authorization: Basic eDp5", "Content-Encoding: gzip", "X-Empty:", "X-Latin: \xe9", "X-Spaces: a  b\tc", "Origin: null"]


@pytest.mark.parametrize("line", UNTOUCHED, ids=[one.split(":")[0] for one in UNTOUCHED])
def test_request_fields_of_the_ends_pass(world, client, line):
    name, value = line.split(":", 1)
    assert passed(world, client, line).all(name) == [value.strip(" ")]


ANSWERS = {
    "a part": (206, ["Content-Range: bytes 2-3/10", 'ETag: "a"', "Accept-Ranges: bytes"], b"cd"),
    "several parts": (206, ["Content-Type: multipart/byteranges; boundary=x"], b"--x\r\n\r\nc\r\n--x--"),
    "not modified": (304, ['ETag: W/"a"', "Content-Length: 7", "Vary: Accept", "Date: Sun, 06 Nov 1994 08:49:37 GMT"], b""),
    "precondition failed": (412, ['ETag: "b"'], b"no"),
    "no such part": (416, ["Content-Range: bytes */10"], b"no"),
    "compressed": (200, ["Content-Encoding: br", "Vary: Accept-Encoding"], b"\x8b\x00\x80a\x03"),
    "too early": (425, ["Retry-After: 1"], b"no"),
    "unknown status": (299, ["X-Strange: \xe9"], b"ok"),
    "a status of 599": (599, [], b"no"),
    "two cookies": (200, ["Set-Cookie: a=b; HttpOnly", "Set-Cookie: c=d"], b"ok"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_of_the_origin_pass(world, client, name):
    status, lines, body = ANSWERS[name]
    length = [] if status == 304 else [f"Content-Length: {len(body)}"]
    text = "\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, *length]).encode("latin-1") + b"\r\n\r\n" + body
    world.raw.on("/rule", lambda e: e.send(text))
    client.send(request(world))
    head, content = client.answer()
    assert (head.status, content) == (status, body)
    for line in lines:
        field, value = line.split(": ", 1)
        assert value in head.all(field)


TOO_LARGE = {"one line": b"X: " + b"a" * 70_000 + b"\r\n", "many lines": b"X: a\r\n" * 300, "no end": b"X: a\r\n" * 20_000}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_too_large_a_head_of_an_origin_is_refused(world, client, name):
    def answer(one):
        one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + TOO_LARGE[name] + (b"" if name == "no end" else b"\r\n"))
        return False
    world.raw.on("/rule", answer)
    client.send(request(world))
    assert client.answer()[0].status == 502
    assert passed(world, client, first="GET /after HTTP/1.1").target == "/after"
