"""HTTP/2 as frames: a client that speaks properly by python3-h2, and one that sends any bytes it is told to."""
import collections
import socket
import ssl
import struct
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def _connect(port, name, ca_file, timeout, certificate=None):
    context = ssl.create_default_context(cafile=str(ca_file))
    context.set_alpn_protocols(["h2"])
    if certificate:
        context.load_cert_chain(*[str(one) for one in certificate])
    sock = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout), server_hostname=name)
    assert sock.selected_alpn_protocol() == "h2"
    return sock


class answer:
    """What has come on one stream so far."""

    def __init__(self):
        self.interim = []  # (status, fields) of 1xx
        self.fields = []
        self.content = b""
        self.trailers = None
        self.ended = False     # END_STREAM has come
        self.reset = None      # the code of RST_STREAM

    @property
    def status(self):
        return int(self.get(":status", "0"))

    def get(self, name, default=None):
        return next((value for one, value in self.fields if one == name), default)

    @property
    def over(self):
        return self.ended or self.reset is not None


class http2_client:
    """One connection. Requests run side by side; `wait` reads until something has happened."""

    def __init__(self, port, name, ca_file, timeout=30.0, window=None, certificate=None, careless=False):
        """`window`: of each stream for responses, opened by nobody. `careless`: sends what HTTP/2 forbids."""
        self.port = port
        self.name = name
        self.sock = _connect(port, name, ca_file, timeout, certificate)
        self.automatic = window is None
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=not careless,
            normalize_outbound_headers=not careless))
        if window is not None:
            self.state.local_settings.initial_window_size = window
        self.state.initiate_connection()
        self.state.increment_flow_control_window(1 << 30)
        self.answers = collections.defaultdict(answer)
        self.goaway = None
        self.closed = False
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closed = True
        self.sock.close()

    def flush(self):
        data = self.state.data_to_send()
        if data:
            self.sock.sendall(data)

    def fields(self, path="/", method="GET", host=None, more=()):
        authority = f"{host or self.name}:{self.port}"
        return [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path), *more]

    def send(self, path="/", method="GET", more=(), ended=True, host=None, fields=None):
        """Sends a head; the stream's number."""
        stream = self.state.get_next_available_stream_id()
        self.state.send_headers(stream, fields or self.fields(path, method, host, more), end_stream=ended)
        self.flush()
        return stream

    def send_content(self, stream, data, ended=False):
        """Sends content as far as the windows open."""
        while data:
            room = min(self.state.local_flow_control_window(stream), self.state.max_outbound_frame_size, len(data))
            if room == 0:
                if not self.read() or self.answers[stream].over:
                    return False
                continue
            self.state.send_data(stream, data[:room])
            data = data[room:]
            self.flush()
        if ended:
            self.state.end_stream(stream)
            self.flush()
        return True

    def reset(self, stream, code=h2.errors.ErrorCodes.CANCEL):
        self.state.reset_stream(stream, code)
        self.flush()

    def open_window(self, stream, size):
        self.state.increment_flow_control_window(size, stream)
        self.flush()

    def read(self):
        """Reads once; False at the end of the connection."""
        if self.closed:
            return False
        try:
            data = self.sock.recv(1 << 18)
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            self.closed = True
            return False
        for event in self.state.receive_data(data):
            self._take(event)
        if not self.closed:
            try:
                self.flush()
            except OSError:
                pass  # what came before its end has been read
        return True

    def _take(self, event):
        stream = self.answers[getattr(event, "stream_id", 0)]
        if isinstance(event, h2.events.InformationalResponseReceived):
            fields = list(event.headers)
            stream.interim.append((int(fields[0][1]), fields[1:]))
        elif isinstance(event, h2.events.ResponseReceived):
            stream.fields = list(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            stream.content += event.data
            if self.automatic and event.flow_controlled_length and not event.stream_ended:
                self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            if not (stream.ended and event.error_code == 0):
                stream.reset = int(event.error_code)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event.error_code
            # python3-h2 takes GOAWAY for the end; what runs may finish (RFC 9113, section 6.8).
            self.state.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN

    def wait(self, until, seconds=30.0):
        """Reads until `until()`; its value, or a failed test."""
        deadline = time.monotonic() + seconds
        while not until():
            self.sock.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                more = self.read()
            except TimeoutError as late:
                raise AssertionError("did not happen in time") from late
            if not more and not until():
                raise EOFError(f"the node closed the connection (GOAWAY {self.goaway})")
        return until()

    def answer(self, stream, seconds=30.0):
        """The whole answer, or what came before its reset."""
        self.wait(lambda: self.answers[stream].over, seconds)
        return self.answers[stream]

    def ask(self, path="/", method="GET", more=(), content=None, host=None, seconds=30.0):
        stream = self.send(path, method, more, ended=content is None, host=host)
        if content is not None:
            self.send_content(stream, content, ended=True)
        return self.answer(stream, seconds)


def frame(kind, stream=0, payload=b"", flags=0):
    """The bytes of one frame."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(values=()):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *one) for one in values))


class raw_http2:
    """A connection for frames by hand: sends bytes, reads frames, forgets nothing."""

    def __init__(self, port, name, ca_file, timeout=20.0):
        self.port = port
        self.name = name
        self.sock = _connect(port, name, ca_file, timeout)
        self.encoder = hpack.Encoder()
        self.buffer = b""
        self.next = 1
        self.send(PREFACE + settings())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        """False: the node has closed the connection."""
        try:
            self.sock.sendall(data)
            return True
        except OSError:
            return False

    def block(self, path="/hello", method="GET", more=()):
        return self.encoder.encode([(":method", method), (":scheme", "https"),
                                    (":authority", f"{self.name}:{self.port}"), (":path", path), *more])

    def head(self, path="/hello", method="GET", more=(), flags=END_STREAM | END_HEADERS):
        """A HEADERS frame on the next stream."""
        stream, self.next = self.next, self.next + 2
        return frame(HEADERS, stream, self.block(path, method, more), flags)

    def frames(self, seconds=5.0):
        """(kind, flags, stream, payload) until the end or a silence."""
        self.sock.settimeout(seconds)
        while True:
            while len(self.buffer) >= 9:
                size = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) < 9 + size:
                    break
                head, payload, self.buffer = self.buffer[:9], self.buffer[9:9 + size], self.buffer[9 + size:]
                yield head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7FFFFFFF, payload
            try:
                data = self.sock.recv(1 << 16)
            except OSError:
                return
            if not data:
                return
            self.buffer += data

    def goaway(self, seconds=5.0):
        """The code of the GOAWAY that ends the connection; None if it goes on, or -1 if it just ended."""
        for kind, _, _, payload in self.frames(seconds):
            if kind == GOAWAY:
                return int.from_bytes(payload[4:8], "big")
        try:
            self.sock.settimeout(0.2)
            return -1 if not self.sock.recv(1) else None
        except TimeoutError:
            return None
        except OSError:
            return -1

    def reset_code(self, stream, seconds=5.0):
        """The code of the RST_STREAM of a stream; None without."""
        for kind, _, number, payload in self.frames(seconds):
            if kind == RST_STREAM and number == stream:
                return int.from_bytes(payload, "big")
            if kind == GOAWAY:
                return None
        return None
