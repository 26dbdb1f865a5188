"""HTTP/1.1 as bytes, for tests that need to see or send exactly what stands on the wire."""
import socket
import ssl


class stream:
    """A socket with a buffer for reading."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data)

    def fill(self):
        """Reads some more; False at the end."""
        data = self.sock.recv(1 << 18)
        self.buffer += data
        return bool(data)

    def until(self, end):
        while end not in self.buffer:
            if not self.fill():
                raise EOFError(f"the peer closed after {self.buffer!r}")
        found, self.buffer = self.buffer.split(end, 1)
        return found

    def exactly(self, size):
        while len(self.buffer) < size:
            if not self.fill():
                raise EOFError(f"the peer closed after {len(self.buffer)} of {size} bytes")
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def rest(self):
        """Everything up to the end."""
        while self.fill():
            pass
        found, self.buffer = self.buffer, b""
        return found

    def ended(self, seconds=10.0):
        """True once the peer has closed, read or reset; False if it is still open after that time."""
        self.sock.settimeout(seconds)
        try:
            while self.fill():
                pass
            return True
        except (ConnectionError, ssl.SSLError) as problem:
            return not isinstance(problem, ssl.SSLWantReadError)
        except TimeoutError:
            return False

    def pieces(self, size):
        """The next `size` bytes in pieces, for content too large to keep."""
        while size > 0:
            if not self.buffer and not self.fill():
                raise EOFError(f"the peer closed with {size} bytes to come")
            piece, self.buffer = self.buffer[:size], self.buffer[size:]
            size -= len(piece)
            yield piece

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass


class message:
    """A head: the words of the first line and the fields."""

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.start = lines[0].split(" ", 2)
        self.fields = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields.append((name, value.strip()))

    @property
    def status(self):
        return int(self.start[1])

    @property
    def method(self):
        return self.start[0]

    @property
    def target(self):
        return self.start[1]

    def all(self, name):
        return [value for one, value in self.fields if one.lower() == name.lower()]

    def get(self, name, default=None):
        return next(iter(self.all(name)), default)


def read_chunks(source):
    """The pieces of chunked content, to its end; then `source.trailers` holds what came behind it."""
    source.trailers = []
    while True:
        size = int(source.until(b"\r\n").split(b";")[0], 16)
        if size == 0:
            while line := source.until(b"\r\n"):
                name, _, value = line.decode("latin-1").partition(":")
                source.trailers.append((name.lower(), value.strip()))
            return
        yield from source.pieces(size)
        source.exactly(2)


def read_content(source, head, is_response=False):
    """The pieces of a message's content (RFC 9112, section 6.3)."""
    if is_response and (head.status < 200 or head.status in (204, 304)):
        return iter(())
    if "chunked" in (head.get("Transfer-Encoding") or "").lower():
        return read_chunks(source)
    if head.get("Content-Length") is not None:
        return source.pieces(int(head.get("Content-Length")))
    return iter([source.rest()]) if is_response else iter(())


class raw_client:
    """A TLS connection to the node with exactly the bytes that a test wants."""

    def __init__(self, port, name, ca_file, alpn=("http/1.1",), timeout=30.0, certificate=None, source=""):
        """`source`: the address of this machine that it comes from, if not any."""
        context = ssl.create_default_context(cafile=str(ca_file))
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if certificate:
            context.load_cert_chain(*[str(one) for one in certificate])
        plain = socket.create_connection(("127.0.0.1", port), timeout, (source, 0) if source else None)
        self.sock = context.wrap_socket(plain, server_hostname=name)
        self.stream = stream(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def send(self, data):
        self.stream.send(data if isinstance(data, bytes) else data.encode("latin-1"))
        return self

    def head(self):
        """The next response head."""
        return message(self.stream.until(b"\r\n\r\n"))

    def answer(self):
        """The next final response and its content; interim responses are passed over."""
        while True:
            head = self.head()
            if head.status >= 200:
                return head, b"".join(read_content(self.stream, head, True))

    def ended(self, seconds=10.0):
        return self.stream.ended(seconds)
