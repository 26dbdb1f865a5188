"""Users' connections where their bounds are: what they may cost, what a second attempt may see, how they end."""
import signal
import socket
import threading
import time

import pytest

from harness import pattern
from harness.http2 import http2_client
from harness.processes import SANITIZED, connector, wait_until
from harness.wire import message, raw_client

MIB = 1 << 20
MOST_GROWTH = 8 * MIB
SIZE = 32 * MIB
STEP = 32 << 10  # what a slow origin takes at once
PIECE = b"x" * (300 << 10)


def ask(world, client, name, path="/hello", method="GET", *fields, more=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {name}.localhost:{world.node.port}", *fields]
    return client.send("\r\n".join(lines).encode() + b"\r\n\r\n" + more)


def connect(world, name):
    return raw_client(world.node.port, f"{name}.localhost", world.node.ca)


# -- memory ----------------------------------------------------------------------------------------------------------

class slow_upload:
    """An upload over HTTP/2 whose origin takes a step of it only when the user may send no more: the node always has some."""

    def __init__(self, own, client):
        self.own, self.client = own, client
        self.waits, self.may_go_on = threading.Event(), threading.Semaphore(0)

    def run(self, path, size):
        """How much the node has grown by when the last byte has been sent."""
        arrived, everything = pattern.checker(), threading.Event()

        def take(one):
            owed = 0
            for piece in one.pieces():
                arrived.take(piece)
                owed += len(piece)
                while owed >= STEP and not everything.is_set():
                    self.waits.set()
                    assert self.may_go_on.acquire(timeout=30)
                    owed -= STEP
            one.answer(200)
        self.own.raw.on(path, take)
        before = self.own.node.process.rss()
        stream = self.client.send(path, "PUT", [("content-length", str(size))], ended=False)
        for block in pattern.blocks(size):
            self._send(stream, block)
        grown = self.own.node.process.rss() - before
        everything.set()
        self.may_go_on.release()
        self.client.state.end_stream(stream)
        self.client.flush()
        assert self.client.answer(stream).status == 200
        arrived.expect(size)
        return grown

    def _send(self, stream, data):
        state = self.client.state
        while data:
            room = min(state.local_flow_control_window(stream), state.max_outbound_frame_size, len(data))
            if room > 0:
                state.send_data(stream, data[:room])
                data = data[room:]
                self.client.flush()
                continue
            if self.waits.is_set():
                self.waits.clear()
                self.may_go_on.release()
            self.client.sock.settimeout(0.002)
            try:
                assert self.client.read()
            except TimeoutError:
                pass  # the step was not enough for the window to open
            finally:
                self.client.sock.settimeout(30)


@pytest.mark.skipif(SANITIZED, reason="resident memory says nothing under a sanitizer")
def test_an_upload_over_http2_to_a_slow_origin_is_not_kept(make_world):
    own = make_world()
    # Without these the system would take many steps at once, and the node have nothing left in between.
    own.raw.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * STEP)
    own.raw.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
    with http2_client(own.node.port, "app.localhost", own.node.ca) as client:
        # More than all windows together, and far less than what a node would have that kept everything.
        slow_upload(own, client).run("/slow/warm", SIZE // 2)
        grown = slow_upload(own, client).run("/slow/large", SIZE)
    assert grown < MOST_GROWTH, grown


# -- second attempts -------------------------------------------------------------------------------------------------

@pytest.fixture
def successor(make_world, tmp_path):
    """A world, and a connector that is enrolled and not yet started."""
    own = make_world()
    return own, connector(own.node, tmp_path / "second", "second").enroll("main", own.control.enrolment_token("main"))


def replace_killed(own, second):
    """The first connector is killed once the second one is there."""
    second.start()
    own.connector.process.kill()
    own.connector = second


@pytest.mark.parametrize("begun", [b"5", b"5;" + b"x" * 4000], ids=["digit", "extension"])
def test_the_head_of_a_second_attempt_is_never_content_of_the_first(successor, begun):
    own, second = successor

    def order(one):
        one.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        one.content()
        one.answer(200)
    own.raw.on("/", order)
    with connect(own, "app") as client:
        ask(own, client, "app", "/order", "PUT", "Transfer-Encoding: chunked", "Expect: 100-continue", more=begun)
        # Now the node has begun to take the content.
        assert client.head().status == 100
        replace_killed(own, second)
        head, content = client.answer()
        assert (head.status, b"connector_lost" in content) == (502, True)
    assert [(one.method, one.target) for one in own.raw.seen] == [("PUT", "/order")]


def test_events_that_moved_from_a_leaving_connector_stay_where_they_are(successor):
    own, second = successor
    attempts, go_on = [], threading.Event()

    def events(one):
        attempts.append(one)
        if len(attempts) == 1:
            one.stream.exactly(1)
        one.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"9\r\ndata: 1\n\n\r\n")
        assert go_on.wait(20)
        one.send(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
    own.raw.on("/events", events)
    with connect(own, "app") as client:
        ask(own, client, "app", "/events")
        wait_until(lambda: attempts, "the request to arrive")
        own.connector.process.send(signal.SIGTERM)
        time.sleep(0.5)  # the node has heard that it leaves
        replace_killed(own, second)
        assert client.head().status == 200
        client.stream.until(b"data: 1\n\n")
        go_on.set()
        client.stream.until(b"data: 2\n\n")
    assert len(attempts) == 2


# -- the budget of connections ---------------------------------------------------------------------------------------

def test_requests_that_last_are_no_connections(make_world):
    own = make_world(sections={"limits": "connections = 20"})
    answer = threading.Event()
    own.raw.on("/held", lambda e: answer.wait(30) and e.answer(200))
    with http2_client(own.node.port, "app.localhost", own.node.ca) as client:
        streams = [client.send("/held") for _ in range(30)]
        wait_until(lambda: own.raw.count("/held") == len(streams), "the requests to arrive")
        time.sleep(0.5)  # limits::abort_watch_delay: from then on their sessions are watched
        try:
            with connect(own, "app") as other:
                assert ask(own, other, "app").answer()[0].status == 200
        finally:
            answer.set()
        assert {client.answer(one).status for one in streams} == {200}


# -- refusals that arrive --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("status, field", [
    (501, "Transfer-Encoding: gzip, chunked"), (417, "Expect: something"), (400, "Content-Length: 5, 5"), (400, "no colon")])
def test_a_refused_head_resets_nobody_who_is_still_sending(world, status, field):
    with connect(world, "raw") as client:
        ask(world, client, "raw", "/refused", "POST", field, more=PIECE)
        head, content = client.answer()
        assert head.status == status and head.get("X-Request-Id") and content
        # What is on its way is taken and thrown away.
        for _ in range(3):
            client.send(PIECE)
            time.sleep(0.05)
        assert client.stream.rest() == b""


def test_a_refusal_behind_a_head_request_has_its_content(world):
    world.raw.on("/headed", lambda e: e.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))
    with connect(world, "raw") as client:
        ask(world, client, "raw", "/headed", "HEAD")
        assert client.head().status == 200
        ask(world, client, "raw", "/large", "GET", "X-Large: " + "x" * (70 << 10))
        head, content = client.answer()
        assert head.status == 431 and b"head_too_large" in content


def test_a_refused_head_request_gets_no_content(world):
    with connect(world, "raw") as client:
        ask(world, client, "raw", "/refused", "HEAD", "Expect: something")
        assert client.head().status == 417
        assert client.stream.rest() == b""


# -- the plain port --------------------------------------------------------------------------------------------------

def plainly(world, text):
    with socket.create_connection(("127.0.0.1", world.node.http_port), 20) as sock:
        sock.sendall(text.encode())
        answer = b""
        while data := sock.recv(4096):
            answer += data
    return message(answer.split(b"\r\n\r\n")[0]) if answer else None


def test_an_address_gets_no_more_plain_connections_than_it_may(make_world):
    own = make_world(sections={"limits": "connections_per_address = 12"})
    held = [socket.create_connection(("127.0.0.1", own.node.http_port), 20) for _ in range(30)]

    def is_open(sock):
        sock.setblocking(False)
        try:
            return bool(sock.recv(1))
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
    try:
        wait_until(lambda: sum(map(is_open, held)) <= 12, "those beyond the limit to be closed", 5)
        assert any(map(is_open, held))
    finally:
        for one in held:
            one.close()

    def redirected():
        try:
            answer = plainly(own, "GET /x HTTP/1.1\r\nHost: app.localhost\r\n\r\n")
        except ConnectionError:
            return False
        return answer is not None and answer.status == 308
    wait_until(redirected, "the places of the closed connections")


def test_refusals_of_the_plain_port_have_an_id_as_well(world):
    refused = [plainly(world, text) for text in (
        "POST /x HTTP/1.1\r\nHost: raw.localhost\r\nContent-Length: 0\r\n\r\n", "GET /x HTTP/1.1\r\n\r\n",
        "GET /x HTTP/1.1\r\nno colon\r\n\r\n")]
    assert [one.status for one in refused] == [403, 400, 400]
    assert len({one.get("X-Request-Id") for one in refused} - {None}) == 3
