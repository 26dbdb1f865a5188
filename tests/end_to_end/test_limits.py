"""Limits per address and per application."""
import time

from harness.http2 import http2_client
from harness.processes import wait_until
from harness.wire import raw_client

LIMITS = {"limits": "connections_per_address = 12\nrequests_per_application = 4"}


def ask(world, client, name):
    client.send(f"GET /hello HTTP/1.1\r\nHost: {name}.localhost:{world.node.port}\r\n\r\n")
    return client.answer()


def test_an_application_gets_no_more_requests_than_it_may(make_world):
    world = make_world(sections=LIMITS)
    with raw_client(world.node.port, "app.localhost", world.node.ca) as client:
        begin = time.monotonic()
        heads = [ask(world, client, "app")[0] for _ in range(30)]
        spent = time.monotonic() - begin
        refused = [head for head in heads if head.status == 429]
        assert 4 <= len(heads) - len(refused) <= 5 + 4 * spent
        assert refused and all(int(head.get("Retry-After")) >= 1 for head in refused)
        assert {head.status for head in heads} == {200, 429}
        # Others are served, and it is too after a moment; over HTTP/2 it is the same limit.
        assert ask(world, client, "guarded")[0].status == 401
        wait_until(lambda: ask(world, client, "app")[0].status == 200, "the limit to give way")
    with http2_client(world.node.port, "app.localhost", world.node.ca) as client:
        streams = [client.send("/hello") for _ in range(30)]
        answers = [client.answer(one) for one in streams]
        refused = [one for one in answers if one.status == 429]
        assert refused and b"too_many_requests" in refused[0].content and refused[0].get("retry-after")


def test_an_address_gets_no_more_connections_than_it_may(make_world):
    world = make_world(sections={"limits": "connections_per_address = 12"})
    held = []

    def more():
        try:
            held.append(raw_client(world.node.port, "guarded.localhost", world.node.ca))
        except OSError:
            return False
        return ask(world, held[-1], "guarded")[0].status == 401
    try:
        opened = 0
        while opened < 20 and more():
            opened += 1
        assert 8 <= opened <= 12
        held.pop(0).stream.close()
        wait_until(more, "the place of the closed connection")
        assert not more()
    finally:
        for one in held:
            one.stream.close()
