"""Trailers pass between HTTP/1.1 users and HTTP/1.1 origins, where both framings have room for them."""
from harness.wire import raw_client, read_content


def connect(world):
    return raw_client(world.node.port, "raw.localhost", world.node.ca)


def request(world, path, *fields):
    return "\r\n".join([f"POST {path} HTTP/1.1", f"Host: raw.localhost:{world.node.port}", *fields]) + "\r\n\r\n"


def test_trailers_of_a_request_reach_the_origin(world):
    def answer(one):
        content = one.content()
        one.answer(200, content, [("X-Seen", ",".join(f"{a}={b}" for a, b in one.stream.trailers)),
                                  ("X-TE", one.head.get("TE", "")), ("X-Trailer", one.head.get("Trailer", ""))])
    world.raw.on("/trailers-up", answer)
    with connect(world) as client:
        client.send(request(world, "/trailers-up", "Transfer-Encoding: chunked", "Trailer: X-Sum", "TE: trailers")
                    + "5\r\nhello\r\n0\r\nX-Sum: 17\r\nHost: evil\r\nX-Postern-User: root\r\nX_Postern_User: root\r\n\r\n")
        head, body = client.answer()
    assert body == b"hello" and head.get("X-Seen") == "x-sum=17"
    assert head.get("X-TE") == "trailers" and head.get("X-Trailer") == "X-Sum"


def test_te_says_nothing_else_to_the_origin(world):
    world.raw.on("/te", lambda one: one.answer(200, one.head.get("TE", "none").encode()))
    with connect(world) as client:
        for sent, seen in (("gzip", b"none"), ("trailers;q=0.5, gzip", b"none"), ("deflate, Trailers", b"trailers")):
            client.send(request(world, "/te", f"TE: {sent}", "Connection: TE", "Content-Length: 0"))
            assert client.answer()[1] == seen


def test_trailers_of_an_answer_reach_the_user(world):
    def answer(one):
        one.content()
        one.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                 b"5\r\nhello\r\n0\r\nX-Sum: 17\r\nKeep-Alive: x\r\nPostern-Error: x\r\n\r\n")
    world.raw.on("/trailers-down", answer)
    with connect(world) as client:
        for _ in range(2):
            head = client.send(request(world, "/trailers-down", "TE: trailers", "Content-Length: 0")).head()
            assert b"".join(read_content(client.stream, head, True)) == b"hello"
            assert client.stream.trailers == [("x-sum", "17")]
