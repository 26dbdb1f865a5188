"""kill -9 at any moment: no acknowledged change is lost, and what is started again picks up where it was."""
import random
import threading
import time

import pytest

from harness.processes import BIN, connector, run, wait_until
from harness.published import application_toml, group_toml
from harness.tunnel import tunnel, tunnel_context


def answers(own, path="hello", name="app"):
    with own.node.browser(timeout=10.0) as client:
        try:
            return client.get(own.node.url(name) + path).status_code
        except OSError:
            return None
        except Exception as problem:  # pylint: disable=broad-except
            return type(problem).__name__


def test_a_killed_node_comes_back_as_it_was(make_world):
    own = make_world()
    with own.node.browser() as client:
        own.raw.on("/guarded", lambda e: e.answer(200, e.head.get("X-Postern-User").encode()))
        assert client.sign_in(own.node.url("guarded") + "guarded", "bob", "bob-demo-password").text == "bob"
        own.node.process.kill()
        own.node.start()
        # The connector comes back by itself, and the cookie made before still opens.
        wait_until(lambda: answers(own) == 200, "the connector to come back")
        answer = client.get(own.node.url("guarded") + "guarded")
        assert answer.status_code == 200 and answer.text == "bob"
    # So does the administrator's token.
    assert "app" in own.control.expect("get", "applications")


def test_a_killed_connector_comes_back_as_it_was(make_world):
    own = make_world()
    assert answers(own) == 200
    own.connector.process.kill()
    own.connector.start()
    wait_until(lambda: answers(own) == 200, "the connector to come back")


def test_no_acknowledged_change_is_lost(make_world):
    own = make_world(enrolled=False)
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    known = []
    for round_number in range(4):
        stop = threading.Event()

        def change(number=round_number, until=stop):
            count = 0
            while not until.is_set():
                name = f"change-{number}-{count}"
                answer = own.control.api("POST", "/apply", json={"groups": [{"name": name}]})
                if answer.status_code == 200:
                    known.append(name)
                count += 1

        def guarded():
            try:
                change()
            except Exception:  # pylint: disable=broad-except
                pass  # the node was killed under it: not acknowledged
        changing = threading.Thread(target=guarded)
        changing.start()
        time.sleep(0.3 + chance.random())
        own.node.process.kill()
        stop.set()
        changing.join(30)
        own.node.start()
    listed = own.control.api("GET", "/groups").text
    assert known
    assert not [name for name in known if f'"{name}"' not in listed], f"seed {seed}"


def test_used_tokens_stay_used_after_a_kill(make_world, tmp_path):
    own = make_world(enrolled=False)
    token = own.control.enrolment_token("main")
    connector(own.node, tmp_path / "first").enroll("main", token)
    own.node.process.kill()
    own.node.start()
    assert connector(own.node, tmp_path / "second").try_enroll("main", token).returncode != 0


def test_revocations_stay_after_a_kill(make_world):
    own = make_world()
    own.control.expect("revoke", "connector", own.connector.ready()["connector"])
    own.node.process.kill()
    own.node.start()
    time.sleep(2)
    assert '"connected":true' not in own.control.api("GET", "/connectors").text.replace(" ", "")
    own.connector.process.kill()
    own.connector.process = None


def test_a_revoked_user_stays_out_after_a_kill(make_world):
    own = make_world()
    own.raw.on("/guarded", lambda e: e.answer(200, b"in"))
    with own.node.browser() as client:
        client.sign_in(own.node.url("guarded") + "guarded", "bob", "bob-demo-password")
        assert client.fetch(own.node.url("guarded") + "guarded").status_code == 200
        own.control.expect("revoke", "user", "bob")
        assert client.fetch(own.node.url("guarded") + "guarded").status_code == 401
        own.node.process.kill()
        own.node.start()
        assert client.fetch(own.node.url("guarded") + "guarded").status_code == 401
        # The STS's own cookie in this browser must not sign the user in again by itself either.
        assert 'type="password"' in client.open(own.node.url("guarded") + "guarded").text


def test_a_revoked_administrator_administers_no_more(make_world):
    own = make_world()
    token = own.control.access_token()
    assert own.control.api("GET", "/connectors").status_code == 200
    own.control.expect("revoke", "user", "alice")
    refused = own.control.api("GET", "/connectors", token=token)
    assert refused.status_code == 401 and "token_revoked" in refused.text
    own.node.process.kill()
    own.node.start()
    assert own.control.api("GET", "/connectors", token=token).status_code == 401


def test_a_key_change_keeps_old_cookies_valid(make_world):
    own = make_world()
    own.raw.on("/guarded", lambda e: e.answer(200, b"in"))
    with own.node.browser() as client:
        client.sign_in(own.node.url("guarded") + "guarded", "bob", "bob-demo-password")
        old = [(one.name, one.value) for one in client.client.cookies.jar if one.domain.startswith("guarded")]
        assert own.node.stop() == 0
        done = run([BIN / "postern", "rotate-keys", "--config", own.node.config])
        assert done.returncode == 0, done.stderr
        own.node.start()
        wait_until(lambda: answers(own) == 200, "the connector to come back")
        assert client.fetch(own.node.url("guarded") + "guarded").status_code == 200
    with own.node.browser() as fresh:
        fresh.sign_in(own.node.url("guarded") + "guarded", "bob", "bob-demo-password")
        new = [(one.name, one.value) for one in fresh.client.cookies.jar if one.domain.startswith("guarded")]
    assert old and new and old[0][1] != new[0][1]


def test_another_connector_of_the_group_takes_over(make_world, tmp_path):
    own = make_world()
    second = connector(own.node, tmp_path / "second", "second").enroll("main", own.control.enrolment_token("main")).start()
    failures, stop, count = [], threading.Event(), [0]

    def ask():
        with own.node.browser() as client:
            while not stop.is_set():
                code = client.get(own.node.url("app") + "hello").status_code
                count[0] += 1
                if code != 200:
                    failures.append(code)
    asking = [threading.Thread(target=ask) for _ in range(3)]
    for one in asking:
        one.start()
    time.sleep(0.5)
    own.connector.process.kill()
    time.sleep(1.5)
    stop.set()
    for one in asking:
        one.join(20)
    own.connector.process = None
    # Requests that can be repeated are; the group has one connector left.
    assert not failures and count[0] > 20
    assert second.stop() == 0


def test_a_planned_stop_of_a_connector_loses_nothing(make_world, tmp_path):
    own = make_world()
    second = connector(own.node, tmp_path / "second", "second").enroll("main", own.control.enrolment_token("main")).start()
    begun = threading.Event()

    def slow(one):
        begun.set()
        time.sleep(1)
        one.answer(200, one.content())
    own.raw.on("/slow", slow)
    results = []

    def ask(number):
        with own.node.browser() as client:
            answer = client.fetch(own.node.url("app") + "slow", "POST", content=str(number).encode())
            results.append((answer.status_code, answer.text == str(number)))
    asking = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for one in asking:
        one.start()
    assert begun.wait(10)
    time.sleep(0.3)
    assert own.connector.stop() == 0
    for one in asking:
        one.join(20)
    assert results == [(200, True)] * 8 and own.raw.count("/slow") == 8
    assert second.stop() == 0


def test_a_planned_stop_of_the_node_finishes_what_it_began(make_world):
    own = make_world()
    begun = threading.Event()

    def slow(one):
        begun.set()
        time.sleep(1)
        one.answer(200, b"finished")
    own.raw.on("/slow", slow)
    results = []

    def ask():
        with own.node.browser() as client:
            results.append(client.get(own.node.url("app") + "slow").text)
    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(10)
    assert own.node.stop() == 0
    asking.join(20)
    assert results == ["finished"]


@pytest.mark.parametrize("what", ["node", "connector"])
def test_kills_in_a_row_leave_everything_working(make_world, what):
    own = make_world()
    chance = random.Random(7)
    for _ in range(4):
        if what == "node":
            own.node.process.kill()
            own.node.start()
        else:
            own.connector.process.kill()
            own.connector.launch()
        time.sleep(chance.random() * 0.5)
    wait_until(lambda: answers(own) == 200, "everything to work again", 30)


def test_a_connector_waits_for_a_node_that_is_down(make_world):
    own = make_world()
    assert own.connector.stop() == 0
    own.node.process.kill()
    own.connector.launch()
    time.sleep(1.5)
    assert own.connector.process.running
    own.node.start()
    own.connector.wait_ready()
    wait_until(lambda: answers(own) == 200, "the connector to come back", 30)


def test_the_published_stays_after_a_restart_without_its_file(make_world):
    own = make_world(enrolled=False)
    own.control.apply(group_toml("main") + application_toml(
        "kept", own.node.url("kept"), own.raw.url, "main", preauthentication="passthrough"))
    (own.control.folder / "published.toml").unlink()
    assert own.node.stop() == 0
    own.node.start()
    assert "kept" in own.control.expect("get", "applications")


def test_a_connector_that_leaves_with_its_hello_harms_nobody(make_world):
    world = make_world()
    identity = world.connector.state / "identity.pem"
    for number in range(3):
        passing = tunnel(world.node.port, "connectors.localhost", tunnel_context(world.node.ca, identity), f"passing-{number}")
        while not passing.greeted:
            assert passing.read(leaving=True) is not None
        passing.sock.settimeout(10)
        try:
            heard = b""
            # A ping says that the node goes on with it, an end that it does not: either will do.
            while b"\0\0\x08\x06\0" not in heard and (piece := passing.sock.recv(1 << 16)):
                heard += piece
        except ConnectionError:
            pass
        passing.close()
    assert answers(world) == 200
    assert world.node.process.running
