"""Limits per address and per application."""
import time

import pytest

from harness.http2 import http2_client
from harness.processes import PATIENCE, wait_until
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


def test_an_address_gets_no_more_requests_than_it_may(make_world):
    # Enough to set up the world: it asks from the same address, and what it asks of the service's own names counts too.
    most, count = 30, 200
    world = make_world(sections={"limits": f"requests_per_address = {most}"})
    with raw_client(world.node.port, "app.localhost", world.node.ca) as client, \
            raw_client(world.node.port, "guarded.localhost", world.node.ca) as other:
        begin = time.monotonic()
        for one, name in ((client, "app"), (other, "guarded")):
            one.send(f"GET /hello HTTP/1.1\r\nHost: {name}.localhost:{world.node.port}\r\n\r\n" * (count // 2))
        answers = [one.answer() for one in (client, other) for _ in range(count // 2)]
        spent = time.monotonic() - begin
        refused = [(head, body) for head, body in answers if head.status == 429]
        assert 1 <= len(answers) - len(refused) <= (1 + spent) * most + 1
        assert all(int(head.get("Retry-After")) >= 1 and b"too_many_requests" in body for head, body in refused)
        assert refused and {head.status for head, _ in answers} <= {200, 401, 429}
        wait_until(lambda: ask(world, client, "app")[0].status == 200, "the limit to give way")
    with http2_client(world.node.port, "app.localhost", world.node.ca) as client, \
            raw_client(world.node.port, "app.localhost", world.node.ca, source="127.0.0.2") as elsewhere:
        late = []
        while not late:
            streams = [client.send("/hello") for _ in range(100)]
            late = [one for one in map(client.answer, streams) if one.status == 429]
        assert all(b"too_many_requests" in one.content and int(one.get("retry-after")) >= 1 for one in late)
        assert ask(world, elsewhere, "app")[0].status == 200


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


def test_a_full_node_refuses_users_and_keeps_room_for_connectors_and_administrators(make_world):
    world = make_world(sections={"limits": "connections = 20"})
    held = []
    try:
        while len(held) < 40:
            held.append(raw_client(world.node.port, "app.localhost", world.node.ca))
            head, content = ask(world, held[-1], "app")
            if head.status != 200:
                break
        # Some of the twenty may be the connector's pulls.
        assert 15 <= len(held) <= 21
        assert head.status == 503 and b"node_full" in content and int(head.get("Retry-After")) >= 1
        assert head.get("Connection") == "close" and held.pop().ended()
        with http2_client(world.node.port, "app.localhost", world.node.ca) as client:
            answer = client.ask("/hello")
            assert answer.status == 503 and b"node_full" in answer.content and answer.get("retry-after")
            wait_until(lambda: not client.read(), "the connection to end")
        assert world.connector.stop() == 0
        world.connector.start()
        world.control.expect("get", "applications")
        assert ask(world, held[0], "app")[0].status == 200
        for _ in range(5):
            held.pop().stream.close()

        def served():
            with raw_client(world.node.port, "app.localhost", world.node.ca) as client:
                return ask(world, client, "app")[0].status == 200
        wait_until(served, "the places of closed connections")
    finally:
        for one in held:
            one.stream.close()


@pytest.mark.slow
def test_slow_content_for_the_service_is_cut(world):
    head = (f"POST /api/v1/apply HTTP/1.1\r\nHost: admin.localhost:{world.node.port}\r\nContent-Length: 1000\r\n\r\n")
    with raw_client(world.node.port, "admin.localhost", world.node.ca, timeout=60 * PATIENCE) as client, \
            http2_client(world.node.port, "admin.localhost", world.node.ca) as other:
        begin = time.monotonic()
        client.send(head + "{")
        stream = other.send("/api/v1/apply", "POST", [("content-length", "1000")], ended=False)
        other.send_content(stream, b"{")
        assert client.head().status == 408
        assert other.answer(stream, 30 * PATIENCE).status == 408
        assert 20 < time.monotonic() - begin < 45 * PATIENCE


def test_content_for_an_application_that_does_not_go_on_is_cut(world):
    world.raw.on("/stalled", lambda e: e.answer(200, e.content()))
    with raw_client(world.node.port, "idle.localhost", world.node.ca, timeout=30 * PATIENCE) as client, \
            http2_client(world.node.port, "idle.localhost", world.node.ca) as other:
        client.send(f"POST /stalled HTTP/1.1\r\nHost: idle.localhost:{world.node.port}\r\nContent-Length: 9\r\n\r\nx")
        stream = other.send("/stalled", "POST", [("content-length", "9")], ended=False)
        other.send_content(stream, b"x")
        assert client.head().status == 408
        assert other.answer(stream, 20 * PATIENCE).status == 408
