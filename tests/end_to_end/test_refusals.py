"""Every refusal says who refuses, with a request id that the logs of node and connector carry too."""
import threading
import time

import pytest

from harness.processes import wait_until
from harness.refusal import page, problem

# application (path): status, a word in source or cause
REFUSALS = {
    "orphan": (504, "no_connector", ("empty",)),
    "refused": (502, "refused", ()),
    "badcert": (502, "certificate", ()),
    "silent": (504, "timeout", ()),
    "idle": (504, "timeout", ()),
}


@pytest.fixture(autouse=True)
def origin(world):
    stop = threading.Event()
    world.raw.on("/silence", lambda e: stop.wait(30) and False)
    world.secure.on("/silence", lambda e: e.answer(200, b"unseen"))
    yield
    stop.set()


@pytest.mark.parametrize("name", REFUSALS)
def test_scripts_get_problem_json(world, browser, name):
    status, cause, _ = REFUSALS[name]
    value = problem(browser.fetch(world.url(name, "silence")), status)
    assert cause in value["cause"], value


@pytest.mark.parametrize("name", REFUSALS)
def test_people_get_a_page(world, browser, name):
    status, cause, also = REFUSALS[name]
    text = page(browser.get(world.url(name, "silence")), status)
    assert cause in text
    for word in also:
        assert word in text


def test_the_group_without_a_connector_is_named(world, browser):
    value = problem(browser.fetch(world.url("orphan")), 504)
    assert "empty" in value["source"] + value.get("detail", "") + value["title"]


def test_nobody_waits_longer_than_the_application_says(world, browser):
    begin = time.monotonic()
    browser.fetch(world.url("silent", "silence"))
    assert 0.9 < time.monotonic() - begin < 10


def test_a_name_nobody_published_is_not_found(world):
    # The node's certificate is for what is published.
    with world.browser(check_name=False) as browser:
        for name in ("nobody", "intranet.intranet"):
            value = problem(browser.fetch(world.url(name)), (404, 421))
            assert "application" in value["cause"] + value["source"]
            page(browser.get(world.url(name)), (404, 421))


def test_a_backend_certificate_may_be_left_unchecked(world, browser):
    world.secure.on("/hello", lambda e: e.answer(200, b"over tls"))
    assert browser.get(world.url("anycert", "hello")).text == "over tls"
    problem(browser.fetch(world.url("badcert", "hello")), 502)


@pytest.mark.parametrize("answer", [
    b"", b"\r\n\r\n", b"NONSENSE\r\n\r\n", b"HTTP/1.1 xyz OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"HTTP/1.1 200 OK\r\nX-Large: " + b"x" * 300_000 + b"\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"],
    ids=["nothing", "empty lines", "one word", "no status", "no length", "two lengths", "large head", "another protocol"])
def test_an_origin_that_talks_nonsense_is_named(world, browser, answer):
    def nonsense(one):
        one.send(answer)
        return False
    world.raw.on("/nonsense", nonsense)
    value = problem(browser.fetch(world.url("raw", "nonsense")), 502)
    assert "origin" in value["source"], value


def test_every_refusal_has_an_id_of_its_own(world, browser):
    ids = {problem(browser.fetch(world.url("refused")), 502)["request_id"] for _ in range(5)}
    assert len(ids) == 5


def test_the_id_on_the_page_is_that_of_both_logs(world, browser):
    request_id = problem(browser.fetch(world.url("refused")), 502)["request_id"]
    wait_until(lambda: request_id in world.node.process.text(), "the node to log the request id")
    wait_until(lambda: request_id in world.connector.process.text(), "the connector to log the request id")


def test_the_id_at_the_origin_is_that_of_the_answer(world, browser):
    world.raw.on("/id", lambda e: e.answer(200, e.head.get("X-Request-Id").encode()))
    request_id = browser.get(world.url("raw", "id")).text
    wait_until(lambda: request_id in world.node.process.text(), "the node to log the request id")


def test_refusals_do_not_show_what_was_asked_as_markup(world, browser):
    answer = browser.get(world.url("refused", "%3Cscript%3Ealert(1)%3C/script%3E?<script>alert(2)</script>"))
    assert "<script>alert" not in page(answer, 502)


def test_refusal_pages_run_no_scripts_and_are_not_framed(world, browser):
    headers = browser.get(world.url("refused")).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"] or headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff" and "no-store" in headers["cache-control"]


def test_a_connector_that_dies_amid_an_exchange_is_named(make_world):
    own = make_world()
    begun, finish = threading.Event(), threading.Event()

    def slow(one):
        b"".join(one.pieces())
        begun.set()
        finish.wait(30)
        return False
    own.raw.on("/slow", slow)
    answers = []

    def ask():
        with own.node.browser() as client:
            answers.append(client.fetch(own.node.url("app") + "slow", "POST", content=b"order"))
    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(20)
    own.connector.process.kill()
    own.connector.process = None
    asking.join(30)
    finish.set()
    value = problem(answers[0], 502)
    assert "connector" in value["source"] + value["cause"]
    # An order is never delivered twice.
    assert own.raw.count("/slow") == 1
