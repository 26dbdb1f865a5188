"""Carries a WebSocket client that speaks plain HTTP/1.1 to the edge, over TLS with HTTP/1.1 or with HTTP/2 (RFC 8441); changes
nothing behind the opening."""
import asyncio
import base64
import contextlib
import hashlib
import ssl
import threading

import h2.config
import h2.connection
import h2.events
import h2.settings

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PIECE = 1 << 16


async def copy(reader, writer):
    """To the end of one direction; a broken connection breaks the other one."""
    try:
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()
    except (OSError, ssl.SSLError):
        writer.close()


async def finish(*writers):
    for writer in writers:
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 5)


class bridge:
    """Listens on `port`; whatever path is asked for, the edge is asked for `path`."""

    def __init__(self, edge_port, ca, path, protocol):
        self.edge_port, self.path, self.protocol = edge_port, path, protocol
        self.context = ssl.create_default_context(cafile=str(ca))
        self.context.set_alpn_protocols([protocol])
        self.port = None
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True).start()
        ready.wait()

    async def _serve(self, ready):
        async with await asyncio.start_server(self._take, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await server.serve_forever()

    async def _take(self, reader, writer):
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:-2]
            fields = [line.split(": ", 1) for line in lines if not line.lower().startswith("host:")]
            edge = await asyncio.open_connection("localhost", self.edge_port, ssl=self.context, server_hostname="localhost")
            if self.protocol == "h2":
                await http2_leg(self, reader, writer, *edge).run(fields)
            else:
                head = [f"GET {self.path} HTTP/1.1", f"Host: localhost:{self.edge_port}", *(": ".join(one) for one in fields)]
                edge[1].write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n")
                up = asyncio.create_task(copy(reader, edge[1]))
                await copy(edge[0], writer)
                up.cancel()
                await finish(writer, edge[1])
        except (OSError, EOFError, ssl.SSLError):
            writer.close()


class http2_leg:
    """One extended CONNECT on a connection of its own."""

    def __init__(self, owner, reader, writer, edge_reader, edge_writer):
        self.owner, self.reader, self.writer = owner, reader, writer
        self.edge_reader, self.edge_writer = edge_reader, edge_writer
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.room = asyncio.Condition()
        self.stream, self.opened, self.over = None, False, False

    async def run(self, fields):
        self.h2.initiate_connection()
        up = None
        try:
            while not self.over and (data := await self.edge_reader.read(PIECE)):
                for event in self.h2.receive_data(data):
                    if isinstance(event, h2.events.RemoteSettingsChanged) and self.stream is None:
                        self.open(fields)
                    elif isinstance(event, h2.events.ResponseReceived):
                        up = asyncio.create_task(self.answer(event, fields))
                    elif isinstance(event, h2.events.DataReceived):
                        self.writer.write(event.data)
                        self.h2.acknowledge_received_data(event.flow_controlled_length, self.stream)
                    elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)):
                        self.over = True
                self.edge_writer.write(self.h2.data_to_send())
                await self.writer.drain()
                async with self.room:
                    self.room.notify_all()
        finally:
            if up:
                up.cancel()
            await finish(self.writer, self.edge_writer)

    def open(self, fields):
        if not self.h2.remote_settings.enable_connect_protocol:
            raise ConnectionError("the edge does not offer RFC 8441")
        self.stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(self.stream, [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
            (":authority", f"localhost:{self.owner.edge_port}"), (":path", self.owner.path),
            *((name.lower(), value) for name, value in fields
              if name.lower() not in ("connection", "upgrade", "sec-websocket-key"))])

    async def answer(self, event, fields):
        """Says 101 in the edge's place, then sends what the client says."""
        got = dict(event.headers)
        if got[":status"] != "200":
            self.writer.write(f"HTTP/1.1 {got[':status']} Refused\r\nContent-Length: 0\r\n\r\n".encode())
            return
        key = next(value for name, value in fields if name.lower() == "sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()
        lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", f"Sec-WebSocket-Accept: {accept}",
                 *(f"{name}: {value}" for name, value in event.headers if name.startswith("sec-websocket-"))]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        try:
            while piece := await self.reader.read(PIECE):
                await self.send(piece)
            self.h2.end_stream(self.stream)
        except OSError:
            self.h2.reset_stream(self.stream, 8)
        self.edge_writer.write(self.h2.data_to_send())

    async def send(self, piece):
        while piece:
            async with self.room:
                await self.room.wait_for(lambda: self.h2.local_flow_control_window(self.stream) > 0)
            size = min(len(piece), self.h2.local_flow_control_window(self.stream), self.h2.max_outbound_frame_size)
            self.h2.send_data(self.stream, piece[:size])
            piece = piece[size:]
            self.edge_writer.write(self.h2.data_to_send())
            await self.edge_writer.drain()
