"""A real gRPC server behind a connector: unary calls and streams both ways, statuses in trailers, deadlines and cancellation.
The user's side is HTTP/1.1 with chunks and trailers here, which says the same in another framing."""
import struct
import threading
from concurrent import futures

import grpc
import pytest

from harness.processes import wait_until
from harness.wire import raw_client, read_chunks
from harness.world import small_world


def framed(message):
    return struct.pack(">BI", 0, len(message)) + message


class service(grpc.GenericRpcHandler):
    """Messages are plain bytes."""

    def __init__(self):
        self.cancelled = threading.Event()

    def service(self, details):
        kinds = {"/test/unary": grpc.unary_unary_rpc_method_handler(self.unary),
                 "/test/count": grpc.unary_stream_rpc_method_handler(self.count),
                 "/test/sum": grpc.stream_unary_rpc_method_handler(self.sum),
                 "/test/chat": grpc.stream_stream_rpc_method_handler(self.chat),
                 "/test/fail": grpc.unary_unary_rpc_method_handler(self.fail),
                 "/test/endless": grpc.unary_stream_rpc_method_handler(self.endless)}
        return kinds.get(details.method)

    def unary(self, request, context):
        context.set_trailing_metadata((("x-trailer", "seen"),))
        return request[::-1]

    def count(self, request, _):
        for number in range(int(request)):
            yield b"%d" % number

    def sum(self, requests, _):
        return b"%d" % sum(int(one) for one in requests)

    def chat(self, requests, _):
        for one in requests:
            yield b"you said " + one

    def fail(self, _, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")

    def endless(self, _, context):
        context.add_callback(self.cancelled.set)
        while context.is_active() and not self.cancelled.wait(0.02):
            yield b"x" * 1000


class call:
    """One call as a user's HTTP/1.1 request."""

    def __init__(self, world, method):
        self.client = raw_client(world.node.port, "rpc.localhost", world.node.ca)
        self.client.send(f"POST /test/{method} HTTP/1.1\r\nHost: rpc.localhost:{world.node.port}\r\nTE: trailers\r\n"
                         "Content-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.chunks = None
        self.buffer = b""
        self.head = None

    def send(self, message):
        data = framed(message)
        self.client.send(b"%x\r\n%s\r\n" % (len(data), data))
        return self

    def end(self):
        self.client.send(b"0\r\n\r\n")
        return self

    def receive(self):
        """The next message; None at the end, when `status` and the trailers are there."""
        if self.chunks is None:
            self.head = self.client.head()
            self.chunks = iter(read_chunks(self.client.stream)) if self.head.get("Transfer-Encoding") else iter(())
        while len(self.buffer) < 5 or len(self.buffer) < 5 + struct.unpack(">I", self.buffer[1:5])[0]:
            piece = next(self.chunks, None)
            if piece is None:
                assert self.buffer == b""
                return None
            self.buffer += piece
        size = struct.unpack(">I", self.buffer[1:5])[0]
        message, self.buffer = self.buffer[5:5 + size], self.buffer[5 + size:]
        return message

    def trailer(self, name):
        return dict(getattr(self.client.stream, "trailers", [])).get(name) or self.head.get(name)

    def all(self):
        messages = []
        while (one := self.receive()) is not None:
            messages.append(one)
        return messages


@pytest.fixture(scope="module")
def rpc(tmp_path_factory, process_logs):
    folder = tmp_path_factory.mktemp("grpc")
    process_logs.append(folder)
    handler = service()
    server = grpc.server(futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    one = small_world(folder / "own", more={"rpc": (f"http://127.0.0.1:{port}/", {"origin_protocol": "h2c"})})
    one.handler = handler
    yield one
    one.stop()
    server.stop(0).wait()


def test_unary(rpc):
    one = call(rpc, "unary").send(b"hello").end()
    assert one.all() == [b"olleh"]
    assert one.head.status == 200 and one.trailer("grpc-status") == "0" and one.trailer("x-trailer") == "seen"


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_unary_of_every_size(rpc, size):
    message = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert call(rpc, "unary").send(message).end().all() == [message[::-1]]


def test_a_stream_of_answers(rpc):
    one = call(rpc, "count").send(b"500").end()
    assert one.all() == [b"%d" % number for number in range(500)] and one.trailer("grpc-status") == "0"


def test_a_stream_of_requests(rpc):
    one = call(rpc, "sum")
    for number in range(500):
        one.send(b"%d" % number)
    assert one.end().all() == [b"124750"] and one.trailer("grpc-status") == "0"


def test_a_conversation(rpc):
    one = call(rpc, "chat")
    for number in range(20):
        one.send(b"%d" % number)
        assert one.receive() == b"you said %d" % number
    assert one.end().all() == [] and one.trailer("grpc-status") == "0"


def test_errors_come_as_statuses(rpc):
    one = call(rpc, "fail").send(b"").end()
    assert one.all() == [] and one.head.status == 200
    assert one.trailer("grpc-status") == "5" and one.trailer("grpc-message") == "no such thing"
    one = call(rpc, "nothing").send(b"").end()
    assert one.all() == [] and one.trailer("grpc-status") == "12"


def test_a_call_that_is_left_is_cancelled(rpc):
    one = call(rpc, "endless").send(b"").end()
    assert len(one.receive()) == 1000
    one.client.stream.close()
    assert rpc.handler.cancelled.wait(5)


def test_many_calls_at_once(rpc):
    results = []

    def several():
        for number in range(20):
            results.append(call(rpc, "unary").send(b"%d" % number).end().all())
    threads = [threading.Thread(target=several) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    wait_until(lambda: len(results) == 160, "all calls to end")
