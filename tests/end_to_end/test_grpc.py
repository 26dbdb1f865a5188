"""A real gRPC server behind a connector: unary calls and streams both ways, statuses in trailers, deadlines and cancellation.
The user's side is a real gRPC client over HTTP/2, and HTTP/1.1 with chunks and trailers, which says the same in another
framing."""
import queue
import struct
import threading
from concurrent import futures

import grpc
import pytest

from harness.processes import PATIENCE
from harness.sign_in import session_cookies
from harness.wire import raw_client, read_chunks
from harness.world import small_world

# No call waits for longer, so that one that hangs is a failed test.
DEADLINE = 30 * PATIENCE


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
                 "/test/user": grpc.unary_unary_rpc_method_handler(self.user),
                 "/test/left": grpc.unary_unary_rpc_method_handler(self.left),
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

    def user(self, _, context):
        return dict(context.invocation_metadata()).get("x-postern-user", "nobody").encode()

    def left(self, _, context):
        """How much of the caller's time is left."""
        return b"%f" % (context.time_remaining() or 0)

    def endless(self, _, context):
        context.add_callback(self.cancelled.set)
        while context.is_active() and not self.cancelled.wait(0.02):
            yield b"x" * 1000


class call_over_http1:
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
        """The next message; None at the end, when status and trailers are there."""
        if self.chunks is None:
            self.head = self.client.head()
            assert self.head.status == 200
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

    def status(self):
        """(code, message) after the end."""
        return int(self.trailer("grpc-status")), self.trailer("grpc-message") or ""

    def leave(self):
        self.client.stream.close()

    def all(self):
        return list(iter(self.receive, None))


class call_over_http2:
    """The same by a real gRPC client. What it sees as a stream both ways is on the wire what each kind of call is."""

    def __init__(self, world, method):
        self.requests = queue.SimpleQueue()
        self.answers = world.channel.stream_stream(f"/test/{method}")(iter(self.requests.get, None), timeout=DEADLINE)

    def send(self, message):
        self.requests.put(message)
        return self

    def end(self):
        self.requests.put(None)
        return self

    def receive(self):
        try:
            return next(self.answers, None)
        except grpc.RpcError:
            return None  # the status tells

    def trailer(self, name):
        return dict(self.answers.trailing_metadata()).get(name)

    def status(self):
        return self.answers.code().value[0], self.answers.details()

    def leave(self):
        self.answers.cancel()
        self.end()

    def all(self):
        return list(iter(self.receive, None))


@pytest.fixture(params=[call_over_http1, call_over_http2], ids=["http1", "http2"])
def call(request):
    return request.param


def channel_to(world, name):
    """A real client's connection to an application."""
    port = world.node.port
    credentials = grpc.ssl_channel_credentials(world.node.ca.read_bytes())
    return grpc.secure_channel(f"127.0.0.1:{port}", credentials, [
        ("grpc.ssl_target_name_override", f"{name}.localhost"), ("grpc.default_authority", f"{name}.localhost:{port}"),
        ("grpc.enable_http_proxy", 0)])


@pytest.fixture(scope="module")
def rpc(tmp_path_factory, process_logs):
    folder = tmp_path_factory.mktemp("grpc")
    process_logs.append(folder)
    handler = service()
    server = grpc.server(futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((handler,))
    origin = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}/"
    server.start()
    one = small_world(folder / "own", more={
        "rpc": (origin, {"origin_protocol": "h2c"}),
        "rpcguarded": (origin, {"origin_protocol": "h2c", "preauthentication": "oidc", "assigned": ["user:bob"]})})
    one.handler = handler
    one.channel = channel_to(one, "rpc")
    yield one
    one.channel.close()
    one.stop()
    server.stop(0).wait()


def test_unary(rpc, call):
    one = call(rpc, "unary").send(b"hello").end()
    assert one.all() == [b"olleh"]
    assert one.status() == (0, "") and one.trailer("x-trailer") == "seen"


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_unary_of_every_size(rpc, call, size):
    message = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert call(rpc, "unary").send(message).end().all() == [message[::-1]]


def test_a_stream_of_answers(rpc, call):
    one = call(rpc, "count").send(b"500").end()
    assert one.all() == [b"%d" % number for number in range(500)] and one.status() == (0, "")


def test_a_stream_of_requests(rpc, call):
    one = call(rpc, "sum")
    for number in range(500):
        one.send(b"%d" % number)
    assert one.end().all() == [b"124750"] and one.status() == (0, "")


def test_a_conversation(rpc, call):
    one = call(rpc, "chat")
    for number in range(20):
        one.send(b"%d" % number)
        assert one.receive() == b"you said %d" % number
    assert one.end().all() == [] and one.status() == (0, "")


def test_errors_come_as_statuses(rpc, call):
    one = call(rpc, "fail").send(b"").end()
    assert one.all() == [] and one.status() == (5, "no such thing")
    one = call(rpc, "nothing").send(b"").end()
    assert one.all() == [] and one.status()[0] == 12


def test_a_call_that_is_left_is_cancelled(rpc, call):
    rpc.handler.cancelled.clear()
    one = call(rpc, "endless").send(b"").end()
    assert len(one.receive()) == 1000
    assert not rpc.handler.cancelled.is_set()
    one.leave()
    assert rpc.handler.cancelled.wait(5 * PATIENCE)


def test_many_calls_at_once(rpc, call):
    results = []

    def several():
        for number in range(20):
            sent = b"number %d" % number
            results.append(call(rpc, "unary").send(sent).end().all() == [sent[::-1]])
    threads = [threading.Thread(target=several) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60 * PATIENCE)
    assert results == [True] * 160


def test_each_kind_of_call_as_programs_make_it(rpc):
    made = {"timeout": DEADLINE}
    answer, ended = rpc.channel.unary_unary("/test/unary").with_call(b"hello", **made)
    assert answer == b"olleh" and ended.code() is grpc.StatusCode.OK
    assert list(rpc.channel.unary_stream("/test/count")(b"3", **made)) == [b"0", b"1", b"2"]
    assert rpc.channel.stream_unary("/test/sum")(iter([b"1", b"2"]), **made) == b"3"
    assert list(rpc.channel.stream_stream("/test/chat")(iter([b"hi"]), **made)) == [b"you said hi"]


def test_a_deadline_reaches_the_origin_and_ends_the_call(rpc):
    left = float(rpc.channel.unary_unary("/test/left")(b"", timeout=DEADLINE))
    assert 0 < left < 2 * DEADLINE  # the client rounds what it says
    rpc.handler.cancelled.clear()
    with pytest.raises(grpc.RpcError) as late:
        list(rpc.channel.unary_stream("/test/endless")(b"", timeout=1))
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert rpc.handler.cancelled.wait(5 * PATIENCE)


def test_a_program_with_a_session_is_known_and_one_without_is_refused(rpc):
    with rpc.node.browser() as browser:
        browser.sign_in(rpc.node.url("rpcguarded"), "bob", rpc.node.users["bob"]["password"])
        cookie = "; ".join(f"{one.name}={one.value}" for one in session_cookies(browser, "rpcguarded"))
    with channel_to(rpc, "rpcguarded") as channel:
        user = channel.unary_unary("/test/user")
        assert user(b"", metadata=[("cookie", cookie)], timeout=DEADLINE) == b"bob"
        with pytest.raises(grpc.RpcError) as refused:
            user(b"", timeout=DEADLINE)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert rpc.channel.unary_unary("/test/user")(b"", metadata=[("x-postern-user", "mallory")], timeout=DEADLINE) == b"nobody"
