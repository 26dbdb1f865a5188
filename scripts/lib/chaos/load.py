"""A steady load as a process of its own. Argument: a JSON file that says what, how much, where to and where the results go.
Requests are due at times fixed beforehand; streams stay open and are opened again wherever they end."""
import asyncio
import hashlib
import json
import pathlib
import ssl
import sys
import time

from client import cause_of, client
from streams import event_user, socket_user

LONGEST_WAIT = 40.0
CONTENT = bytes(range(251)) * 1_045  # some 256 KiB
DOWNLOAD = 524_288
SIGN_IN = (302, 303, 401, 403)


class user(client):
    """Asks for one kind of thing, one request after the other."""

    def __init__(self, plan, kind, number, results):
        super().__init__(plan, number)
        self.kind, self.results = kind, results
        self.answered = 0.0  # when the newest response head came

    def request(self, ident):
        if self.kind == "GET":
            return self.head("GET", f"get?id={ident}")
        if self.kind == "download":
            return self.head("GET", f"download?size={DOWNLOAD}&id={ident}")
        content = CONTENT if self.kind == "upload" else b"once"
        return self.head("POST", f"{self.kind.lower()}?id={ident}", len(content)) + content

    def right(self, content):
        if self.kind == "GET":
            return content == b"hello"
        if self.kind == "download":
            return len(content) == DOWNLOAD
        sent = CONTENT if self.kind == "upload" else b"once"
        return content == hashlib.sha256(sent).hexdigest()[:16].encode()

    async def ask(self, ident):
        got = await self.send(self.request(ident))
        self.answered = time.time()
        content = await self.content(got)
        if got.closes or got.size is None:
            self.leave()
        if got.status in SIGN_IN:
            return "signed_out"
        if got.status != 200:
            return f"{got.status} {cause_of(content)}".strip()
        return "ok" if self.right(content) else "wrong content"

    async def run(self, rate, count, connections):
        for turn in range(self.number, count, connections):
            due = self.plan["begin"] + turn / rate
            if (wait := due - time.time()) > 0:
                await asyncio.sleep(wait)
            ident = f"{self.kind}-{turn}"
            sent = time.time()
            self.answered, session = 0.0, self.session
            try:
                outcome = await asyncio.wait_for(self.ask(ident), LONGEST_WAIT)
            except (OSError, EOFError, ValueError, asyncio.TimeoutError) as problem:
                outcome = type(problem).__name__
                self.leave()
            if outcome == "signed_out":
                self.sign_in()
            # When it was due as well: a load that falls behind has to show.
            self.results.append({"id": ident, "kind": self.kind, "group": self.group, "node": self.asked, "session": session,
                                 "due": due, "sent": sent, "answered": self.answered, "ended": time.time(), "outcome": outcome})


async def main():
    plan = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    plan["tls"] = ssl.create_default_context(cafile=plan["ca"])
    requests, streams, running = [], [], []
    for kind, rate, connections in plan["kinds"]:
        count = int(rate * plan["duration"])
        running += [user(plan, kind, number, requests).run(rate, count, connections)
                    for number in range(min(connections, count))]
    for kind, make in (("sockets", socket_user), ("events", event_user)):
        running += [make(plan, number, streams).run() for number in range(plan[kind])]
    await asyncio.gather(*running)
    pathlib.Path(plan["results"]).write_text(json.dumps({"requests": requests, "streams": streams}), encoding="utf-8")


asyncio.run(main())
