"""An internal server whose every byte a test decides."""
import socket
import threading

from . import wire


class exchange:
    """One request at the origin."""

    def __init__(self, source, head, connection):
        self.stream = source
        self.head = head
        self.connection = connection  # number of the connection, from 1

    @property
    def path(self):
        return self.head.target.split("?")[0]

    def content(self):
        return b"".join(self.pieces())

    def pieces(self):
        return wire.read_content(self.stream, self.head)

    def send(self, data):
        self.stream.send(data)

    def answer(self, status=200, body=b"", fields=()):
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *(f"{a}: {b}" for a, b in fields)]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def close(self):
        self.stream.close()


class raw_origin:
    """Serves each connection on a thread. `on(prefix, handler)`: the longest prefix of the target decides; a handler that
    returns False ends the connection. `seen` holds all request heads in order of arrival."""

    def __init__(self, context=None):
        self.context = context
        self.handlers = {}
        self.seen = []
        self.problems = []
        self.connections = 0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(256)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}/"
        self.open = set()
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, prefix, handler):
        self.handlers[prefix] = handler
        return handler

    def always(self, prefix, fields=(), body=b"", status=200):
        """Answers with the same each time; returns `prefix`."""
        self.on(prefix, lambda one: one.answer(status, body, fields))
        return prefix

    def count(self, prefix):
        """How many requests of a target have arrived."""
        return sum(1 for head in list(self.seen) if head.target.startswith(prefix))

    def last(self, prefix):
        """The newest request head of a target."""
        return next(head for head in reversed(self.seen) if head.target.startswith(prefix))

    def close(self):
        # Closing alone would leave the port open for as long as a thread waits in accept().
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for one in list(self.open):
                one.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True).start()

    def _serve(self, sock, number):
        source = None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            source = wire.stream(sock)
            with self.lock:
                self.open.add(source)
            while True:
                head = wire.message(source.until(b"\r\n\r\n"))
                self.seen.append(head)
                matching = [prefix for prefix in self.handlers if head.target.startswith(prefix)]
                one = exchange(source, head, number)
                if not matching:
                    b"".join(one.pieces())
                    one.answer(404, f"nothing at {head.target} of {self.url}".encode())
                elif self.handlers[max(matching, key=len)](one) is False:
                    return
        except (OSError, EOFError):
            pass  # the connector closed: its right at any time
        except Exception as problem:  # pylint: disable=broad-except
            self.problems.append(problem)
        finally:
            with self.lock:
                self.open.discard(source)
            sock.close()
