"""What the suites are run against: a node, a connector, and two origins below one host name that every tool resolves."""
import asyncio
import threading

import websockets

from harness.processes import connector, control, node
from harness.published import application_toml, group_toml
from harness.raw_origin import raw_origin


class echo_origin:
    """A WebSocket server that sends back what it gets, with permessage-deflate and without a limit of size."""

    def __init__(self):
        ready = threading.Event()
        self.port = None
        threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True).start()
        ready.wait()

    async def _serve(self, ready):
        async def echo(socket, *_):
            try:
                async for message in socket:
                    await socket.send(message)
            except websockets.ConnectionClosed:
                pass
        async with websockets.serve(echo, "127.0.0.1", 0, max_size=None, ping_interval=None, close_timeout=5) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await asyncio.get_running_loop().create_future()


class place:
    """`url`: of an application whose origin answers 200 to everything, "echo" below it being the WebSocket server."""

    def __init__(self, folder):
        self.origin, self.echo = raw_origin(), echo_origin()
        self.origin.on("/", lambda one: (one.content(), one.answer(200, b"x" * 1024))[1])
        self.node = node(folder / "node", sections={"log": "access = false"}).start()
        self.url = f"https://localhost:{self.node.port}/"
        admin = control(self.node, folder / "control").login_directly()
        admin.apply(group_toml("main") + "".join(
            application_toml(name, self.url + path, f"http://127.0.0.1:{port}/", "main", preauthentication="passthrough")
            for name, path, port in (("all", "", self.origin.port), ("echo", "echo/", self.echo.port))))
        self.connector = connector(self.node, folder / "connector").enroll("main", admin.enrolment_token("main"))
        self.connector.start()

    def stop(self):
        codes = self.connector.stop(), self.node.stop()
        self.origin.close()
        if any(codes):
            raise SystemExit(f"node or connector did not end well: {codes}")
