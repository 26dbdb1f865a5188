"""One user's connection, as a browser behind a name with several addresses would have it: at one node until that ends it or
does not answer, then at the next. Nothing that was sent is sent again: what a client sees is what is counted."""
import asyncio
import hashlib
import json
import pathlib

CONNECT_TIMEOUT = 3.0


def cause_of(content):
    """What a refusal says of itself: problem+json, or a page."""
    try:
        return json.loads(content)["cause"]
    except (ValueError, KeyError, TypeError):
        return ""


def mark_of(cookie):
    """What stands for a session in rows and logs."""
    return hashlib.sha256(cookie.encode()).hexdigest()[:12]


class answer:
    """A response without its content: `head` as bytes in lower case."""

    def __init__(self, head):
        self.status = int(head[9:12])
        self.low = head.lower()
        self.closes = b"\r\nconnection: close" in self.low
        at = self.low.find(b"\r\ncontent-length:")
        self.size = int(self.low[at + 17:self.low.index(b"\r\n", at + 2)]) if at >= 0 else None


class client:
    """`plan`: addresses, port, tls. `number` says at which node it begins and for which application it asks."""

    def __init__(self, plan, number):
        self.plan = plan
        self.addresses = plan["addresses"]
        self.node = number % len(self.addresses)
        self.asked = self.node  # who has got the newest request
        self.group = "ab"[number // len(self.addresses) % 2]
        self.host = f"app-{self.group}.localhost"
        self.number = number
        self.cookie = self.session = ""
        self.sign_in()
        self.reader = self.writer = None

    def sign_in(self):
        """Takes the newest session of its user."""
        cookies = json.loads(pathlib.Path(self.plan["cookies"]).read_text(encoding="utf-8"))[self.group]
        self.cookie = cookies[self.number % len(cookies)]
        self.session = mark_of(self.cookie)

    async def connect(self):
        for _ in range(2 * len(self.addresses)):
            try:
                self.reader, self.writer = await asyncio.wait_for(asyncio.open_connection(
                    self.addresses[self.node], self.plan["port"], ssl=self.plan["tls"], server_hostname=self.host,
                    limit=1 << 18), CONNECT_TIMEOUT)
                return
            except (OSError, EOFError, asyncio.TimeoutError):
                self.node = (self.node + 1) % len(self.addresses)
        raise ConnectionError("no node")

    def leave(self):
        """Ends the connection; the next one goes to the next node."""
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None
        self.node = (self.node + 1) % len(self.addresses)

    def head(self, method, path, size=0, more=""):
        return (f"{method} /{path} HTTP/1.1\r\nHost: {self.host}:{self.plan['port']}\r\nCookie: {self.cookie}\r\n{more}"
                + (f"Content-Length: {size}\r\n" if method == "POST" else "") + "\r\n").encode()

    async def send(self, data):
        """Sends a request; returns the final response's head."""
        if self.reader is not None and self.reader.at_eof():
            self.leave()
        if self.reader is None:
            await self.connect()
        self.asked = self.node
        self.writer.write(data)
        while True:
            got = answer(await self.reader.readuntil(b"\r\n\r\n"))
            if got.status >= 200 or got.status == 101:
                return got

    async def content(self, got):
        """The content of a response whose length is known."""
        if got.size is None:
            return b""
        return await self.reader.readexactly(got.size)
