"""An internal server that speaks HTTP/2 only, over TLS or with prior knowledge, and whose every frame a test decides."""
import queue
import socket
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings


class http2_exchange:
    """One stream at the origin. Its handler runs on a thread of its own."""

    def __init__(self, connection, number, fields):
        self.connection = connection
        self.number = number
        self.fields = fields  # pairs of text, pseudo-fields included
        self.trailers = None
        self.reset_code = None
        self.events = queue.Queue()

    def get(self, name):
        return next((value for one, value in self.fields if one == name), None)

    def pieces(self):
        """The request's content as it arrives; the window opens as it is taken. ConnectionError: it was reset."""
        while True:
            piece = self.events.get(timeout=60)
            if piece is None:
                return
            if isinstance(piece, Exception):
                raise piece
            self.connection.acknowledge(self.number, len(piece))
            yield piece

    def content(self):
        return b"".join(self.pieces())

    def head(self, status=200, fields=(), end=False):
        self.connection.call("send_headers", self.number, [(":status", str(status)), *fields], end_stream=end)

    def data(self, content, end=False):
        """Sends as fast as the windows allow. ConnectionError: the stream was reset."""
        self.connection.send_data(self, content, end)

    def trail(self, *fields):
        self.connection.call("send_headers", self.number, list(fields), end_stream=True)

    def answer(self, status=200, content=b"", fields=()):
        self.head(status, [("content-length", str(len(content))), *fields], end=not content)
        if content:
            self.data(content, end=True)

    def reset(self, code=h2.errors.ErrorCodes.INTERNAL_ERROR):
        self.connection.call("reset_stream", self.number, code)

    def wait_for_reset(self, seconds=10):
        """The code that the peer reset the stream with."""
        try:
            while True:
                piece = self.events.get(timeout=seconds)
                if isinstance(piece, Exception):
                    return self.reset_code
        except queue.Empty:
            return None


class http2_connection:
    def __init__(self, owner, sock, number):
        self.owner = owner
        self.sock = sock
        self.number = number  # of the connection, from 1
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.streams = {}
        self.changed = threading.Condition()
        self.open = True

    def call(self, name, *arguments, **options):
        with self.changed:
            if not self.open:
                raise ConnectionError("the connection has ended")
            result = getattr(self.h2, name)(*arguments, **options)
            self.sock.sendall(self.h2.data_to_send())
            return result

    def acknowledge(self, number, size):
        try:
            self.call("acknowledge_received_data", size, number)
        except (h2.exceptions.StreamClosedError, ConnectionError, OSError):
            pass

    def send_data(self, stream, content, end):
        view = memoryview(content)
        while view or end:
            with self.changed:
                while True:
                    if not self.open or stream.reset_code is not None:
                        raise ConnectionError("the stream has ended")
                    room = min(self.h2.local_flow_control_window(stream.number), self.h2.max_outbound_frame_size)
                    if room > 0 or not view:
                        break
                    self.changed.wait(60)
                piece, view = view[:room], view[room:]
                last = end and not view
                self.h2.send_data(stream.number, piece.tobytes(), end_stream=last)
                self.sock.sendall(self.h2.data_to_send())
                if last:
                    return

    def serve(self):
        with self.changed:
            # In the very first SETTINGS; update_settings() would send others before.
            self.h2.local_settings = h2.settings.Settings(client=False, initial_values=self.owner.settings)
            self.h2.initiate_connection()
            self.h2.increment_flow_control_window(1 << 24)
            self.sock.sendall(self.h2.data_to_send())
        try:
            while data := self.sock.recv(1 << 16):
                with self.changed:
                    events = self.h2.receive_data(data)
                    self.sock.sendall(self.h2.data_to_send())
                    self.changed.notify_all()
                for event in events:
                    self.take(event)
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            self.close()

    def take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            stream = self.streams[event.stream_id] = http2_exchange(self, event.stream_id, event.headers)
            self.owner.seen.append(stream)
            threading.Thread(target=self.owner.handle, args=(stream,), daemon=True).start()
        elif isinstance(event, h2.events.DataReceived):
            stream.events.put(event.data)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            stream.events.put(None)
        elif isinstance(event, h2.events.StreamReset) and stream:
            with self.changed:
                stream.reset_code = event.error_code
                self.changed.notify_all()
            stream.events.put(ConnectionError("reset"))

    def close(self):
        with self.changed:
            self.open = False
            self.changed.notify_all()
        for stream in list(self.streams.values()):
            stream.events.put(ConnectionError("closed"))
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


class http2_origin:
    """`on(prefix, handler)`: the longest prefix of the path decides. `seen` holds all exchanges."""

    def __init__(self, context=None, settings=None):
        self.context = context
        self.settings = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 100, **(settings or {})}
        self.handlers = {}
        self.seen = []
        self.problems = []
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, prefix, handler):
        self.handlers[prefix] = handler
        return handler

    def handle(self, stream):
        path = stream.get(":path")
        try:
            matching = [prefix for prefix in self.handlers if path.startswith(prefix)]
            if matching:
                self.handlers[max(matching, key=len)](stream)
            else:
                stream.answer(404)
        except (OSError, h2.exceptions.StreamClosedError):
            pass  # the connector left: its right at any time
        except Exception as problem:  # pylint: disable=broad-except
            self.problems.append(problem)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for one in self.connections:
            one.close()
        assert not self.problems, self.problems

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
        except OSError:
            return
        one = http2_connection(self, sock, len(self.connections) + 1)
        self.connections.append(one)
        one.serve()
