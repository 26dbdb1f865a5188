"""A steady load as a process of its own. Argument: a JSON file that says what, how much, where to and where the results go.
Every connection asks at times fixed beforehand; one that is asked to close, or was closed between two requests, opens the next at
the next node. Nothing is repeated: what a client sees is what is counted."""
import asyncio
import json
import pathlib
import ssl
import sys
import time


class user:
    """One connection at a time."""

    def __init__(self, plan, number, results):
        self.plan, self.number, self.results = plan, number, results
        self.node = number % len(plan["addresses"])
        self.asked = self.node  # who has got the newest request
        self.reader = self.writer = None

    async def connect(self):
        for _ in self.plan["addresses"]:
            try:
                self.reader, self.writer = await asyncio.wait_for(asyncio.open_connection(
                    self.plan["addresses"][self.node], self.plan["port"], ssl=self.plan["tls"],
                    server_hostname=self.plan["host"]), 3)
                return
            except (OSError, asyncio.TimeoutError):
                self.node = (self.node + 1) % len(self.plan["addresses"])
        raise ConnectionError("no node")

    def leave(self):
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None
        self.node = (self.node + 1) % len(self.plan["addresses"])

    async def ask(self, text):
        if self.reader is not None and self.reader.at_eof():
            self.leave()
        if self.reader is None:
            await self.connect()
        self.asked = self.node
        self.writer.write(text)
        head = await self.reader.readuntil(b"\r\n\r\n")
        low = head.lower()
        at = low.find(b"\r\ncontent-length:")
        if at >= 0:
            await self.reader.readexactly(int(low[at + 17:low.index(b"\r\n", at + 2)]))
        if at < 0 or b"\r\nconnection: close" in low:
            self.leave()
        return int(head[9:12])

    async def run(self):
        plan = self.plan
        for turn in range(self.number, plan["count"], plan["connections"]):
            due = plan["begin"] + turn / plan["rate"]
            if (wait := due - time.time()) > 0:
                await asyncio.sleep(wait)
            ident = f"{plan['kind']}-{turn}"
            text = (f"{plan['kind']} /{plan['path']}?id={ident} HTTP/1.1\r\nHost: {plan['host']}:{plan['port']}\r\n"
                    + ("Content-Length: 4\r\n\r\nonce" if plan["kind"] == "POST" else "\r\n")).encode()
            try:
                outcome = await asyncio.wait_for(self.ask(text), 40)
            except (OSError, EOFError, asyncio.TimeoutError) as problem:
                outcome = type(problem).__name__
                self.leave()
            # From when it was due: a load that falls behind makes everything look slow, not fast.
            self.results.append((ident, due, time.time(), outcome, self.asked))


async def main():
    plan = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    plan["tls"] = ssl.create_default_context(cafile=plan["ca"])
    results = []
    await asyncio.gather(*(user(plan, number, results).run() for number in range(plan["connections"])))
    pathlib.Path(plan["results"]).write_text(json.dumps(results), encoding="utf-8")


asyncio.run(main())
