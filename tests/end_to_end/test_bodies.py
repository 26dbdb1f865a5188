"""Content of every size, both ways, and that it is asked for before it is taken."""
import hashlib
import json
import select
import socket
import struct
import threading
import time

import pytest

from harness import pattern
from harness.processes import KEPT_BY_SANITIZERS, PATIENCE, SANITIZED, wait_until
from harness.wire import raw_client, read_content

MIB = 1 << 20
GIB = 1 << 30
# Sanitizers make each byte many times slower; what counts there is the code, here also the size beyond 32 bits. Chunks have
# sizes of their own: that the sum does not end is shown by less.
LARGEST = {"length": GIB if SANITIZED else 5 * GIB, "chunked": GIB}
# However large the content: windows and buffers are all that a process may keep.
MOST_MEMORY_PER_PROCESS = 16 * MIB + KEPT_BY_SANITIZERS // 2
# After so much the windows have grown, and buffers that are kept are there.
WARMING = 64 * MIB
SIZES = [0, 1, 2, 1023, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 1_000_003, 16 * MIB + 1]


def connect(world, name="raw", timeout=60.0):
    return raw_client(world.node.port, f"{name}.localhost", world.node.ca, timeout=timeout)


def head_of(world, method, target, *fields, name="raw"):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {name}.localhost:{world.node.port}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def content(size):
    return b"".join(pattern.blocks(size))


def memory(world):
    return world.node.process.rss(), world.connector.process.rss()


def most_growth(before, after):
    """Of the process that has grown most."""
    return max(b - a for a, b in zip(before, after))


@pytest.fixture
def digests(world):
    """An origin that answers with size and SHA-256 of what it got, and how it was framed."""
    def answer(one):
        digest, size = hashlib.sha256(), 0
        for piece in one.pieces():
            digest.update(piece)
            size += len(piece)
        one.answer(200, json.dumps({"size": size, "sha256": digest.hexdigest(), "length": one.head.get("Content-Length"),
                                    "coding": one.head.get("Transfer-Encoding")}).encode())
    world.raw.on("/digest", answer)


@pytest.mark.parametrize("size", SIZES)
def test_content_with_a_length_arrives_whole(world, digests, size):
    data = content(size)
    with connect(world) as client:
        client.send(head_of(world, "POST", "/digest", f"Content-Length: {size}") + data)
        head, body = client.answer()
    got = json.loads(body)
    assert head.status == 200 and got["size"] == size and got["sha256"] == hashlib.sha256(data).hexdigest()
    assert got["length"] == str(size) or (size == 0 and got["length"] is None and got["coding"] is None)


@pytest.mark.parametrize("piece", [1, 7, 1000, 16_384, 65_536])
def test_content_in_chunks_arrives_whole(world, digests, piece):
    data = content(min(1_000_003, piece * 2_000))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(data[at:at + piece]), data[at:at + piece]) for at in range(0, len(data), piece))
    with connect(world) as client:
        client.send(head_of(world, "PUT", "/digest", "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")
        head, body = client.answer()
        assert head.status == 200 and json.loads(body)["sha256"] == hashlib.sha256(data).hexdigest()
        # The connection is where it should be: the next request is answered.
        client.send(head_of(world, "POST", "/digest", "Content-Length: 2") + b"ab")
        assert json.loads(client.answer()[1])["size"] == 2


def test_chunks_with_extensions_and_trailers_arrive_whole(world, digests):
    with connect(world) as client:
        client.send(head_of(world, "POST", "/digest", "Transfer-Encoding: chunked", "Trailer: X-Sum")
                    + b"3;name=value\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")
        head, body = client.answer()
    assert head.status == 200 and json.loads(body)["size"] == 3


def test_the_end_of_chunks_may_come_byte_by_byte(world, digests):
    def slowly(send, data):
        for number in range(len(data)):
            send(data[number:number + 1])
            time.sleep(0.02)

    def answer(one):
        one.content()
        one.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        slowly(one.send, chunks)
    world.raw.on("/bytewise", answer)
    for chunks in (b"0\r\n\r\n", b"00\r\nX-T: 1\r\n\r\n", b"01\r\n0\r\n0\r\n\r\n", b"3\r\n0\r\n\r\n0\r\n\r\n"):
        with connect(world) as client:
            client.send(head_of(world, "POST", "/bytewise", "Transfer-Encoding: chunked"))
            wait_until(lambda: world.raw.count("/bytewise"), "the request to arrive")
            slowly(client.send, chunks)
            assert client.answer()[0].status == 200


@pytest.mark.parametrize("size", SIZES)
def test_answers_with_a_length_arrive_whole(world, size):
    data = content(size)
    world.raw.on("/sized", lambda e: e.answer(200, data))
    with connect(world) as client:
        head, body = client.send(head_of(world, "GET", "/sized")).answer()
    assert head.get("Content-Length") == str(size) and body == data


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_answers_without_a_length_arrive_whole(world, framing):
    data = content(3 * MIB + 17)

    def answer(one):
        if framing == "chunked":
            one.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, len(data), 100_000):
                piece = data[at:at + 100_000]
                one.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            one.send(b"0\r\n\r\n")
            return True
        one.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + data)
        return False
    world.raw.on("/unsized", answer)
    with connect(world) as client:
        for _ in range(2):
            head, body = client.send(head_of(world, "GET", "/unsized")).answer()
            assert head.status == 200 and body == data


def test_a_client_of_http_1_0_is_answered(world):
    world.raw.on("/old-client", lambda e: e.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
    with connect(world) as client:
        client.send(f"GET /old-client HTTP/1.0\r\nHost: raw.localhost:{world.node.port}\r\n\r\n")
        text = client.stream.rest()
    assert text.split(b"\r\n")[0].split()[1] == b"200" and text.endswith(b"\r\n\r\nhello")
    assert b"chunked" not in text.lower()


# -- content is taken only once the connector asked for it -----------------------------------------------------------


def send_until_stuck(client, seconds=1.5):
    """Sends until the peer has taken nothing for a while; how much it took."""
    client.sock.settimeout(seconds)
    taken = 0
    try:
        for block in pattern.blocks(GIB):
            view = memoryview(block)
            while view:
                count = client.sock.send(view[:16_384])
                taken += count
                view = view[count:]
    except (TimeoutError, OSError):
        return taken
    return taken


def test_without_a_connector_nearly_nothing_is_taken(make_world):
    own = make_world(enrolled=False)
    before = own.node.process.rss()
    client = raw_client(own.node.port, "app.localhost", own.node.ca)
    with client:
        client.send(f"POST /x HTTP/1.1\r\nHost: app.localhost:{own.node.port}\r\nContent-Length: {GIB}\r\n\r\n")
        taken = send_until_stuck(client)
    # Sockets' buffers on both sides hold a few MiB; the node itself at most one read.
    assert taken < 32 * MIB
    assert own.node.process.rss() - before < 16 * MIB


def test_an_origin_that_does_not_read_stops_the_user(world):
    release = threading.Event()
    held = threading.Event()

    def stall(one):
        held.set()
        release.wait(60)
        return False
    world.raw.on("/stall", stall)
    before = memory(world)
    try:
        with connect(world) as client:
            client.send(head_of(world, "POST", "/stall", f"Content-Length: {GIB}"))
            taken = send_until_stuck(client)
            assert held.wait(5)
            assert taken < 64 * MIB
            assert most_growth(before, memory(world)) < MOST_MEMORY_PER_PROCESS
    finally:
        release.set()


def test_a_user_who_aborts_a_stalled_upload_is_noticed(world):
    """The origin does not read, so unread content stands before the user's end."""
    begun, left = threading.Event(), threading.Event()

    def stall(one):
        begun.set()
        watch = select.poll()
        watch.register(one.stream.sock, select.POLLRDHUP)
        if watch.poll(30_000):
            left.set()
        return False
    world.raw.on("/paused", stall)
    client = connect(world)
    client.send(head_of(world, "POST", "/paused", f"Content-Length: {GIB}"))
    send_until_stuck(client)
    assert begun.wait(5)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()
    assert left.wait(PATIENCE)


def test_a_user_who_leaves_the_queue_with_unread_content_is_noticed(world):
    """Nobody serves this group: the exchange waits for two seconds, and what the user sent waits in the socket."""
    def departures():
        lines = world.node.process.text().splitlines()
        return len([line for line in lines if "orphan" in line and "user_gone" in line])
    before = departures()
    client = connect(world, "orphan")
    client.send(head_of(world, "POST", "/", "Content-Length: 100000", name="orphan") + b"x" * 50_000)
    time.sleep(0.5)
    client.sock.close()
    wait_until(lambda: departures() > before, "the node to notice", 1)


def test_a_user_who_does_not_read_stops_the_origin(world):
    sent = [0]
    ended = threading.Event()

    def pour(one):
        one.send(f"HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n".encode())
        try:
            for block in pattern.blocks(GIB):
                one.send(block)
                sent[0] += len(block)
        finally:
            ended.set()
    world.raw.on("/pour", pour)
    before = memory(world)
    with connect(world) as client:
        assert client.send(head_of(world, "GET", "/pour")).head().status == 200

        def resting():
            seen = sent[0]
            time.sleep(0.5)
            return seen > 0 and sent[0] == seen
        wait_until(resting, "the origin to be stopped")
        assert sent[0] < 64 * MIB
        assert most_growth(before, memory(world)) < MOST_MEMORY_PER_PROCESS
    # Once the user has gone, the origin learns.
    assert ended.wait(20)


def test_one_stalled_upload_holds_up_nobody_else(world, digests):
    release = threading.Event()
    world.raw.on("/stuck", lambda e: release.wait(60) and False)
    stuck = [connect(world) for _ in range(8)]
    try:
        for one in stuck:
            one.send(head_of(world, "POST", "/stuck", f"Content-Length: {GIB}"))
            one.sock.settimeout(0.3)
            try:
                for block in pattern.blocks(4 * MIB):
                    one.sock.sendall(block)
            except (TimeoutError, OSError):
                pass
        with connect(world) as client:
            data = content(8 * MIB)
            client.send(head_of(world, "POST", "/digest", f"Content-Length: {len(data)}") + data)
            assert json.loads(client.answer()[1])["size"] == len(data)
    finally:
        release.set()
        for one in stuck:
            one.stream.close()


# -- ends in the middle ----------------------------------------------------------------------------------------------


def test_an_upload_broken_off_reaches_the_origin_as_broken_off(world):
    result = []

    def answer(one):
        try:
            result.append(len(one.content()))
        except (EOFError, OSError) as problem:
            result.append(problem)
            raise
    world.raw.on("/broken", answer)
    with connect(world) as client:
        client.send(head_of(world, "POST", "/broken", "Content-Length: 1000000") + b"x" * 500_000)
        wait_until(lambda: world.raw.count("/broken"), "the request to arrive")
    wait_until(lambda: result, "the origin to learn")
    assert not isinstance(result[0], int)


def test_a_download_broken_off_reaches_the_user_as_broken_off(world):
    def answer(one):
        one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500_000)
        return False
    world.raw.on("/half", answer)
    with connect(world) as client:
        client.send(head_of(world, "GET", "/half"))
        head = client.head()
        assert head.status == 200
        with pytest.raises((EOFError, OSError)):
            b"".join(read_content(client.stream, head, True))


def test_chunks_broken_off_reach_the_user_as_broken_off(world):
    def answer(one):
        one.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        return False
    world.raw.on("/half-chunks", answer)
    with connect(world) as client:
        client.send(head_of(world, "GET", "/half-chunks"))
        head = client.head()
        with pytest.raises((EOFError, OSError)):
            b"".join(read_content(client.stream, head, True))


def test_an_answer_before_the_content_is_read_gets_through(world):
    def answer(one):
        one.answer(403, b"no", [("Connection", "close")])
        return False
    world.raw.on("/early", answer)
    with connect(world) as client:
        client.send(head_of(world, "POST", "/early", f"Content-Length: {100 * MIB}"))
        client.send(b"x" * 10_000)
        head, body = client.answer()
        assert head.status == 403 and body == b"no"


# -- the largest ------------------------------------------------------------------------------------------------------


def peak_growth(world, action):
    """How much the memory of node or connector grows at most meanwhile."""
    before = memory(world)
    peak, stop = [0], threading.Event()

    def watch():
        while not stop.wait(0.05):
            peak[0] = max(peak[0], most_growth(before, memory(world)))
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        action()
    finally:
        stop.set()
        watcher.join()
    return peak[0]


def framed_blocks(size, framing):
    """Content as it stands on the wire."""
    for block in pattern.blocks(size):
        yield block if framing == "length" else b"%x\r\n%s\r\n" % (len(block), block)
    if framing == "chunked":
        yield b"0\r\n\r\n"


def framing_field(size, framing):
    return f"Content-Length: {size}" if framing == "length" else "Transfer-Encoding: chunked"


@pytest.mark.slow
@pytest.mark.parametrize("framing", LARGEST)
def test_the_largest_upload(world, framing):
    def upload(size):
        arrived = pattern.checker()

        def answer(one):
            for piece in one.pieces():
                arrived.take(piece)
            one.answer(200, b"thanks")
        world.raw.on("/largest-upload", answer)
        with connect(world, timeout=300) as client:
            client.send(head_of(world, "PUT", "/largest-upload", framing_field(size, framing)))
            for piece in framed_blocks(size, framing):
                client.stream.send(piece)
            head, body = client.answer()
        assert head.status == 200 and body == b"thanks"
        arrived.expect(size)
    upload(WARMING)
    assert peak_growth(world, lambda: upload(LARGEST[framing])) < MOST_MEMORY_PER_PROCESS


@pytest.mark.slow
@pytest.mark.parametrize("framing", LARGEST)
def test_the_largest_download(world, framing):
    def download(size):
        def answer(one):
            one.send(f"HTTP/1.1 200 OK\r\n{framing_field(size, framing)}\r\n\r\n".encode())
            for piece in framed_blocks(size, framing):
                one.send(piece)
        world.raw.on("/largest-download", answer)
        arrived = pattern.checker()
        with connect(world, timeout=300) as client:
            head = client.send(head_of(world, "GET", "/largest-download")).head()
            assert head.get("Content-Length") == (str(size) if framing == "length" else None)
            for piece in read_content(client.stream, head, True):
                arrived.take(piece)
        arrived.expect(size)
    download(WARMING)
    assert peak_growth(world, lambda: download(LARGEST[framing])) < MOST_MEMORY_PER_PROCESS


def test_many_transfers_at_once(world, digests):
    size, count = 4 * MIB, 24
    expected = pattern.sha256(size)
    data = content(size)
    results = []

    def one_transfer():
        with connect(world) as client:
            client.send(head_of(world, "POST", "/digest", f"Content-Length: {size}") + data)
            results.append(json.loads(client.answer()[1])["sha256"] == expected)
    threads = [threading.Thread(target=one_transfer) for _ in range(count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    assert results == [True] * count
