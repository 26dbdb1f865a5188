"""SIGSTOP and SIGCONT of a connector: what was handed elsewhere or is over starts nothing and completes nothing, and costs nobody
a request."""
import threading
import time

from harness.processes import PATIENCE, connector, wait_until
from harness.wire import raw_client


def test_a_frozen_connector_that_thaws_starts_nothing_twice(make_world, tmp_path):
    own = make_world()
    second = connector(own.node, tmp_path / "second", "second").enroll("main", own.control.enrolment_token("main")).start()
    own.raw.on("/order", lambda e: e.answer(200, e.content()))
    own.connector.process.freeze()
    codes = []

    def ask(number):
        with own.node.browser(timeout=60.0) as client:
            codes.append(client.fetch(own.node.url("app") + f"order?{number}", "POST", content=b"x").status_code)
    asking = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for one in asking:
        one.start()
    time.sleep(1)
    own.connector.process.thaw()
    for one in asking:
        one.join(60)
    time.sleep(1)
    assert set(codes) <= {200, 502, 504}
    for number in range(6):
        assert own.raw.count(f"/order?{number}") <= 1
    assert second.stop() == 0


def test_a_frozen_connector_that_thaws_completes_nothing_whose_user_has_left(make_world):
    own = make_world()
    begun, got = threading.Event(), []

    def order(one):
        begun.set()
        try:
            got.append(one.content())
        except (EOFError, ConnectionError):
            got.append(None)
        return False
    own.raw.on("/order", order)
    with raw_client(own.node.port, "app.localhost", own.node.ca) as user:
        user.send(f"POST /order HTTP/1.1\r\nHost: app.localhost:{own.node.port}\r\nContent-Length: 10\r\n\r\nfirst".encode())
        assert begun.wait(10)
        own.connector.process.freeze()
        time.sleep(2)  # longer than the lease
        user.send(b"-last")
        time.sleep(0.2)
    wait_until(lambda: '"path":"/order"' in own.node.process.text(), "the node to notice that the user has left")
    own.connector.process.thaw()
    wait_until(lambda: got, "the origin to notice an end")
    assert got == [None]


def test_a_frozen_connector_costs_no_request(make_world, tmp_path):
    own = make_world()
    second = connector(own.node, tmp_path / "second", "second").enroll("main", own.control.enrolment_token("main")).start()
    own.raw.on("/order", lambda e: e.answer(200, e.content()))
    begun = threading.Event()

    def slow(one):
        begun.set()
        time.sleep(1)
        one.answer(200, b"slow")
    own.raw.on("/slow", slow)
    results = []

    def ask(method, path, content):
        with own.node.browser(timeout=60.0) as client:
            began = time.monotonic()
            code = client.fetch(own.node.url("app") + path, method, content=content).status_code
            results.append((method, path, code, time.monotonic() - began))
    # These have reached the origin, through either connector, when the first one freezes.
    asking = [threading.Thread(target=ask, args=("POST", f"slow?{number}", None)) for number in range(4)]
    for one in asking:
        one.start()
    assert begun.wait(10)
    time.sleep(0.4)
    own.connector.process.freeze()
    fresh = [threading.Thread(target=ask, args=(method, f"order?{method}-{len(content or b'')}-{number}", content))
             for number in range(4) for method, content in (("GET", None), ("POST", None), ("PUT", b"x"), ("POST", b"x"))]
    for one in fresh:
        one.start()
    for one in fresh:
        one.join(60)
    assert all(code == 200 for _, _, code, _ in results), results
    assert all(took < 4 * PATIENCE for _, path, _, took in results if path.startswith("order")), results
    own.connector.process.thaw()
    for one in asking:
        one.join(60)
    time.sleep(1)
    assert len(results) == 20 and all(code == 200 for _, _, code, _ in results), results
    for method, path, _, _ in results:
        assert own.raw.count("/" + path) == 1 or method != "POST", path
    assert second.stop() == 0


def test_content_that_waits_through_a_short_freeze_arrives_whole_on_another_connection(make_world):
    own = make_world()
    begun, sent, got = threading.Event(), threading.Event(), []

    def order(one):
        if not begun.is_set():
            # Ends the connection that it was asked on, having taken nothing but the head.
            begun.set()
            assert sent.wait(20)
            return False
        try:
            got.append(one.content())
        except (EOFError, ConnectionError):
            got.append(None)
            return False
        return one.answer(200, b"done")
    own.raw.on("/order", order)
    with raw_client(own.node.port, "app.localhost", own.node.ca) as user:
        # Leaves a connection for the next request.
        user.send(f"GET /hello HTTP/1.1\r\nHost: app.localhost:{own.node.port}\r\n\r\n")
        assert user.answer()[0].status == 200
        user.send(f"POST /order HTTP/1.1\r\nHost: app.localhost:{own.node.port}\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert begun.wait(10)
        own.connector.process.freeze()
        user.send(b"5\r\nfirst\r\n5\r\n-last\r\n0\r\n\r\n")
        sent.set()
        time.sleep(2)  # longer than the lease, shorter than what the node waits for a silent connector
        own.connector.process.thaw()
        answer, _ = user.answer()
    # A machine that was busy for another second has the node give up; nothing shorter than what was sent may look whole.
    assert (answer.status, got) in ((200, [b"first-last"]), (502, [None]), (502, []))
