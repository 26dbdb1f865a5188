"""Users with something that stays open: a WebSocket that is echoed, a stream of events. One row per stream that was opened: how
it ended ("told": it was asked to move; "broken": cut without a word; "open": it lasted to the end), and the longest time
without anything on the way, from the last sign of life of the one before."""
import asyncio
import base64
import os
import time

import socket_frames
from client import client

SOCKET_EVERY = 0.25
LONGEST_SILENCE = 35.0  # longer than a frozen connector is waited for
PAUSE_AFTER_REFUSAL = 0.2


class stream_user(client):
    """Opens its stream again whenever it ends, until the load is over."""

    kind = ""

    def __init__(self, plan, number, results):
        super().__init__(plan, number)
        self.results = results
        self.end = plan["begin"] + plan["duration"]
        self.alive = 0.0  # when something came last, over all streams
        self.gap = 0.0

    async def run(self):
        await asyncio.sleep(max(0.0, self.plan["begin"] - time.time()))
        self.alive = time.time()
        while time.time() < self.end:
            problem = ""
            try:
                outcome = await self.one()
            except (OSError, EOFError, ValueError, asyncio.TimeoutError) as caught:
                outcome = "broken" if time.time() < self.end or self.silent() else "open"
                problem = type(caught).__name__
            self.results.append({"kind": self.kind, "group": self.group, "node": self.asked, "session": self.session,
                                 "heard": self.alive, "ended": time.time(), "outcome": outcome, "problem": problem,
                                 "gap": self.gap})
            self.gap = 0.0
            self.leave()
            if outcome.startswith("refused"):
                self.sign_in()
                await asyncio.sleep(PAUSE_AFTER_REFUSAL)

    def silent(self):
        return time.time() - self.alive > LONGEST_SILENCE / 2

    def heard(self):
        now = time.time()
        self.gap, self.alive = max(self.gap, now - self.alive), now

    async def within(self, work):
        """Something that has to come before the stream is taken for dead, or before the end of the load."""
        left = max(0.01, min(LONGEST_SILENCE, self.end - time.time()))
        try:
            return await asyncio.wait_for(work, left)
        except asyncio.TimeoutError:
            # What should have come counts as missing even if the load ends first.
            self.gap = max(self.gap, time.time() - self.alive)
            raise

    async def one(self):
        raise NotImplementedError


class socket_user(stream_user):
    """Says something every quarter of a second and waits for the echo."""

    kind = "socket"

    async def one(self):
        key = base64.b64encode(os.urandom(16)).decode()
        got = await self.within(self.send(self.head("GET", "socket", more=(
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"))))
        if got.status != 101:
            return f"refused {got.status}"
        turn = 0
        while time.time() < self.end:
            turn += 1
            said = str(turn).encode()
            self.writer.write(socket_frames.make(socket_frames.TEXT, said, masked=True))
            kind, content = await self.within(socket_frames.read(self.reader))
            self.heard()
            if kind == socket_frames.CLOSE:
                self.writer.write(socket_frames.make(kind, content[:2], masked=True))
                code = socket_frames.close_code(content)
                return "told" if code == socket_frames.GOING_AWAY else f"closed {code}"
            if content != said:
                raise ValueError("not what was said")
            await asyncio.sleep(min(SOCKET_EVERY, max(0.0, self.end - time.time())))
        return "open"


class event_user(stream_user):
    """Listens (server-sent events in chunks)."""

    kind = "events"

    async def one(self):
        got = await self.within(self.send(self.head("GET", "events", more="Accept: text/event-stream\r\n")))
        if got.status != 200:
            return f"refused {got.status}"
        text = b""
        while True:
            size = int(await self.within(self.reader.readuntil(b"\r\n")), 16)
            text += (await self.within(self.reader.readexactly(size + 2)))[:-2]
            self.heard()
            if size == 0:
                # An end as it should be, after a whole event: the browser opens the next one by itself.
                return "told" if text.endswith(b"\n\n") else "broken"
            text = text[-2:]
