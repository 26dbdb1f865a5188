"""Configuration: applied, shown, pulled by connectors within two seconds, revoked at once."""
import shutil
import threading
import time

import pytest
from cryptography import x509

from harness.certificates import own_certificate
from harness.processes import PATIENCE, connector, wait_until
from harness.published import application_toml, group_toml
from harness.wire import raw_client


def applied(own, *applications, groups=("main",)):
    return own.control.apply("".join(group_toml(one) for one in groups) + "".join(applications))


def passthrough(own, name, url=None, group="main", **keys):
    return application_toml(name, own.node.url(name), url or own.raw.url, group, preauthentication="passthrough", **keys)


def in_time(action, tries):
    """Whether one of the tries takes less than two seconds: a machine that is busy with something else proves nothing."""
    return any(action(one) < 2 * PATIENCE for one in tries)


def test_a_new_application_is_served_within_two_seconds(make_world):
    own = make_world()
    own.raw.on("/fresh", lambda e: e.answer(200, b"fresh"))

    def seconds_to_serve(name):
        # The node's certificate is for what is published.
        with own.node.browser(check_name=False) as client:
            assert client.get(own.node.url(name) + "fresh").status_code in (404, 421)
            applied(own, passthrough(own, name))
            begin = time.monotonic()
            wait_until(lambda: client.get(own.node.url(name) + "fresh").status_code == 200, "the application to be served")
            return time.monotonic() - begin
    assert in_time(seconds_to_serve, ["fresh", "fresher", "freshest"])
    with own.node.browser() as client:
        assert client.get(own.node.url("fresh") + "fresh").text == "fresh"


def test_a_change_reaches_the_connector_within_two_seconds(make_world):
    own = make_world()

    def seconds_to_move(where):
        own.raw.on(f"/{where}/hello", lambda e: e.answer(200, where.encode()))
        with own.node.browser() as client:
            applied(own, passthrough(own, "app", f"{own.raw.url}{where}/"))
            begin = time.monotonic()
            wait_until(lambda: client.get(own.node.url("app") + "hello").text == where, "the change to arrive")
            return time.monotonic() - begin
    assert in_time(seconds_to_move, ["here", "there", "elsewhere"])


def test_a_change_disturbs_no_exchange(make_world):
    own = make_world()
    begun, finish = threading.Event(), threading.Event()

    def slow(one):
        begun.set()
        finish.wait(20)
        one.answer(200, b"as if nothing had happened")
    own.raw.on("/slow", slow)
    answers = []

    def ask():
        with own.node.browser() as client:
            answers.append(client.get(own.node.url("app") + "slow").text)
    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(10)
    applied(own, passthrough(own, "another"))
    wait_until(lambda: "another" in own.control.expect("get", "applications"), "the change to be listed")
    finish.set()
    asking.join(20)
    assert answers == ["as if nothing had happened"]


def test_applying_the_same_again_changes_nothing(make_world):
    own = make_world(enrolled=False)
    first = own.control.apply(own.published + group_toml("more"))
    assert "more" in first
    again = own.control.apply(own.published + group_toml("more"))
    assert "more" not in again


def test_a_dry_run_shows_and_changes_nothing(make_world):
    own = make_world(enrolled=False)
    shown = own.control.apply(own.published + passthrough(own, "planned"), "--dry-run")
    assert "planned" in shown
    assert "planned" not in own.control.expect("get", "applications")


def test_the_diff_shows_old_and_new(make_world):
    own = make_world(enrolled=False)
    shown = applied(own, passthrough(own, "app", response_timeout="77s"))
    assert "response_timeout" in shown and "77s" in shown and "85s" in shown


def test_prune_removes_what_is_not_named(make_world):
    own = make_world(enrolled=False)
    applied(own, passthrough(own, "temporary"))
    own.control.apply(own.published)
    assert "temporary" in own.control.expect("get", "applications")
    own.control.apply(own.published, "--prune")
    assert "temporary" not in own.control.expect("get", "applications")


def test_delete_removes_an_application(make_world):
    own = make_world(enrolled=False)
    own.control.expect("delete", "application", "app")
    with own.node.browser(check_name=False) as client:
        wait_until(lambda: client.get(own.node.url("app")).status_code in (404, 421), "the application to be gone")


def test_a_group_with_applications_is_not_deleted(make_world):
    own = make_world(enrolled=False)
    done = own.control.run("delete", "group", "main")
    assert done.returncode != 0 and "app" in done.stderr
    assert "main" in own.control.expect("get", "groups")


def test_an_invalid_change_changes_nothing(make_world):
    own = make_world(enrolled=False)
    file = own.folder / "wrong.toml"
    file.write_text(group_toml("good") + passthrough(own, "lost", group="nowhere"), encoding="utf-8")
    done = own.control.run("apply", "-f", file)
    assert done.returncode != 0 and "nowhere" in done.stderr
    assert "good" not in own.control.expect("get", "groups")


def test_the_administration_asks_for_an_administrators_token(world):
    for token in ("x", "e30.e30.e30", world.control.access_token()[:-2]):
        assert world.control.api("GET", "/applications", token=token).status_code == 401
    with raw_client(world.node.port, "admin.localhost", world.node.ca) as raw:
        raw.send(f"GET /api/v1/applications HTTP/1.1\r\nHost: admin.localhost:{world.node.port}\r\n"
                 "Authorization: Bearer  \r\n\r\n")
        assert raw.answer()[0].status == 401
    with world.browser() as client:
        assert client.fetch(world.url("admin", "api/v1/applications")).status_code == 401
    assert world.control.api("GET", "/applications").status_code == 200


def test_a_token_that_was_made_for_something_else_opens_no_administration(world):
    tokens = world.control.granted_tokens()
    assert world.control.api("GET", "/applications", token=tokens["access_token"]).status_code == 200
    refused = world.control.api("GET", "/applications", token=tokens["id_token"])
    assert refused.status_code == 401 and refused.json()["source"] == "token"
    enrolling = {"Authorization": "Bearer " + tokens["id_token"], "Content-Type": "application/pkcs10"}
    with world.browser() as client:
        answer = client.request("POST", world.url("connectors", ".well-known/est/main/simpleenroll"), base={},
                                headers=enrolling, content=b"AAAA")
        assert answer.status_code == 401 and answer.json()["source"] == "token"
        # An administrator's token is for the admin API, and is no session at an application, nor at the STS's userinfo.
        bearer = {"Authorization": "Bearer " + tokens["access_token"]}
        assert client.request("GET", world.url("intranet"), base={}, headers=bearer).status_code == 401
        assert client.request("GET", world.url("sts", "userinfo"), base={}, headers=bearer).status_code == 401


def test_the_session_cookie_opens_no_administration(world):
    with world.signed_in("intranet", "alice") as browser:
        assert browser.fetch(world.url("admin", "api/v1/applications")).status_code == 401


def test_changes_stand_in_the_audit_log(make_world):
    own = make_world(enrolled=False)
    applied(own, passthrough(own, "audited"))

    def recorded():
        events = own.control.api("GET", "/audit?limit=100").json()
        events = events if isinstance(events, list) else next(iter(v for v in events.values() if isinstance(v, list)))
        return [one for one in events if "audited" in str(one) and "alice" in str(one)]
    wait_until(recorded, "the change to be recorded")


def test_a_revoked_connector_is_cut_off_at_once(make_world):
    own = make_world()
    begun = threading.Event()

    def endless(one):
        one.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        begun.set()
        while True:
            one.send(b"1\r\nx\r\n")
            time.sleep(0.05)
    own.raw.on("/endless", endless)
    ended = threading.Event()

    def listen():
        try:
            with own.node.browser() as client, client.client.stream("GET", own.node.url("app") + "endless") as answer:
                for _ in answer.iter_raw():
                    pass
        except Exception:  # pylint: disable=broad-except
            pass
        ended.set()
    threading.Thread(target=listen, daemon=True).start()
    assert begun.wait(10)
    own.control.expect("revoke", "connector", own.connector.ready()["connector"])
    assert ended.wait(1 * PATIENCE)
    with own.node.browser() as client:
        applied(own, passthrough(own, "app", connect_timeout="1s", response_timeout="1s"))
        assert client.get(own.node.url("app") + "hello").status_code == 504
    # It ends by itself or stays away, but it does not come back.
    time.sleep(2)
    assert '"connected":true' not in own.control.api("GET", "/connectors").text.replace(" ", "")
    own.connector.process.kill()
    own.connector.process = None


def test_a_second_holder_of_an_identity_raises_an_alarm(make_world, tmp_path):
    own = make_world()
    thief = connector(own.node, tmp_path / "thief")
    shutil.copytree(own.connector.state, thief.state)
    (thief.state / "ready.json").unlink()
    thief.launch()

    def alarmed():
        text = own.control.api("GET", "/connectors").text.replace(" ", "")
        return '"duplicate":true' in text
    try:
        wait_until(alarmed, "the alarm to be raised")
        assert "duplicate" in own.control.expect("get", "connectors").lower()
    finally:
        thief.process.kill()


def test_certificates_are_renewed_without_losing_a_request(make_world):
    own = make_world(sections={"connectors": 'certificate_lifetime = "1h"\nrenew_after = "3s"'})
    first = own_certificate(own.connector.state).serial_number
    failures, count, stop = [], [0], threading.Event()

    def ask():
        with own.node.browser() as client:
            while not stop.is_set():
                answer = client.get(own.node.url("app") + "hello")
                count[0] += 1
                if answer.status_code != 200:
                    failures.append(answer.status_code)
    asking = [threading.Thread(target=ask) for _ in range(4)]
    for one in asking:
        one.start()
    time.sleep(3.2)
    # A change makes the connector pull; the pull tells it that its certificate is due.
    applied(own, passthrough(own, "nudge"))
    try:
        wait_until(lambda: own_certificate(own.connector.state).serial_number != first, "the certificate to be renewed", 30)
        time.sleep(1)
    finally:
        stop.set()
        for one in asking:
            one.join(20)
    assert not failures and count[0] > 50
    # The renewed certificate is the one in use after a restart.
    assert own.connector.stop() == 0
    own.connector.start()


def test_the_certificate_lives_as_long_as_configured(make_world):
    own = make_world(sections={"connectors": 'certificate_lifetime = "2h"\nrenew_after = "1h"'})
    certificate = own_certificate(own.connector.state)
    assert isinstance(certificate, x509.Certificate)
    hours = (certificate.not_valid_after - certificate.not_valid_before).total_seconds() / 3600
    assert 1.9 < hours < 2.2


@pytest.mark.parametrize("kind", ["applications", "groups", "connectors", "sessions"])
def test_everything_can_be_listed(world, kind):
    assert world.control.expect("get", kind).strip()


def test_no_application_takes_a_place_of_the_service(make_world):
    own = make_world()
    for wrong, field in ((passthrough(own, "posternctl"), "name"),
                         (passthrough(own, "app", client_id="postern-connector"), "client_id"),
                         (application_toml("thief", own.node.url("admin") + "below/", own.raw.url, "main",
                                           preauthentication="passthrough"), "external_url")):
        file = own.control.folder / "wrong.toml"
        file.write_text(group_toml("main") + wrong, encoding="utf-8")
        refused = own.control.run("apply", "-f", file)
        assert refused.returncode != 0 and field in refused.stderr + refused.stdout, refused
    assert own.control.api("GET", "/applications/thief").status_code == 404
