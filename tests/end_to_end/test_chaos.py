"""scripts/chaos: what its verdict notices, what its relay and its scenarios do; and a short run, so that it keeps working."""
import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from harness.processes import BIN, ROOT, connector, control, cpu_seconds, node, process, wait_until
from harness.published import application_toml, group_toml
from harness.raw_origin import raw_origin
from harness.wire import stream

sys.path.insert(0, str(ROOT / "scripts" / "lib" / "chaos"))

from owners import holder  # noqa: E402
from relay import relay  # noqa: E402
from scenario import read, scenario  # noqa: E402
from verdict import broken, count, damage  # noqa: E402


# -- the verdict

def row(number, kind="GET", outcome="ok", due=10.0, took=0.1, node_number=0, session="s"):
    return {"id": f"{kind}-{number}", "kind": kind, "group": "a", "node": node_number, "session": session, "due": due,
            "sent": due, "answered": due + took, "ended": due + took, "outcome": outcome}


def opened(outcome, node_number=0, group="a", gap=0.2, session="s", heard=11.0):
    return {"kind": "socket", "group": group, "node": node_number, "session": session, "heard": heard, "ended": heard,
            "outcome": outcome, "problem": "", "gap": gap}


def verdict(expect, requests, streams=(), notes=None, done=None, planned=None, share=0.3):
    """Lines of broken promises; every POST has reached the origin once unless `notes` say otherwise."""
    if notes is None:
        notes = [(one["due"] + 0.01, one["id"]) for one in requests if one["kind"] in ("POST", "upload")]
    numbers = count(requests, list(streams), notes, done or damage())
    numbers["victim_share"] = share
    return broken(numbers, expect, len(requests) if planned is None else planned)


GOOD = [row(number, due=10 + number / 10) for number in range(20)] + [row(number, "POST", due=10 + number) for number in range(2)]


def test_what_is_kept_is_not_called_broken():
    assert verdict({"no_failure": True, "duplicates": 0, "slowest": 1.0, "longest_gap": 1.0, "recovery": 1.0, "signed_out": 0,
                    "broken_streams": 0, "stream_gap": 1.0}, GOOD, [opened("told"), opened("open")]) == []


@pytest.mark.parametrize("promise, requests", [
    ({"failed_gets": 0}, [row(99, outcome="502 connector_lost")]),
    ({"failed_posts": 0}, [row(99, "POST", "ConnectionResetError")]),
    ({"failed_uploads": 0}, [row(99, "upload", "wrong content")]),
    ({"failed_downloads": 0}, [row(99, "download", "IncompleteReadError")]),
    ({"no_failure": True}, [row(99, outcome="504 no_connector")]),
    ({"signed_out": 0}, [row(99, outcome="signed_out")]),
    ({"failed_elsewhere": 0}, [row(99, outcome="IncompleteReadError")]),
    ({"slowest": 4.0}, [row(99, took=4.5)]),
    ({"slowest_gets": 4.0}, [row(99, took=4.5)]),
    ({"slowest_start": 4.0}, [row(99, "download", took=4.5)]),
    ({"longest_gap": 1.0}, [row(99, due=15.0)])])
def test_a_request_that_breaks_a_promise_is_noticed(promise, requests):
    assert verdict(promise, GOOD) == []
    lines = verdict(promise, GOOD + requests)
    assert len(lines) == 1 and lines[0].startswith(next(iter(promise))), lines


@pytest.mark.parametrize("promise, streams", [
    ({"broken_streams": 0}, [opened("broken")]), ({"broken_streams": 0}, [opened("refused 503")]),
    ({"broken_elsewhere": 0}, [opened("broken")]), ({"stream_gap": 3.0}, [opened("told", gap=5.0)])])
def test_a_stream_that_breaks_a_promise_is_noticed(promise, streams):
    assert verdict(promise, GOOD, [opened("told")]) == []
    assert len(verdict(promise, GOOD, streams)) == 1


def test_duplicates_and_late_deliveries_are_noticed():
    requests = GOOD + [row(7, "POST", "502 connector_lost", due=11.0)]
    once = [(10.0, "POST-0"), (11.0, "POST-1")]
    assert verdict({"duplicates": 0, "late_deliveries": 0}, requests, notes=once) == []
    assert verdict({"duplicates": 0}, requests, notes=once + [(11.5, "POST-1")])
    # Its user was told at 11.1 that it had failed.
    assert verdict({"late_deliveries": 0}, requests, notes=once + [(11.05, "POST-7")]) == []
    assert verdict({"late_deliveries": 0}, requests, notes=once + [(11.2, "POST-7")])


def test_an_answer_for_what_no_origin_got_is_noticed():
    assert verdict({"duplicates": 0}, GOOD, notes=[])


def test_only_what_was_open_at_a_killed_node_is_excused():
    done = damage(killed=[(10.05, 1)])
    there = row(90, outcome="IncompleteReadError", node_number=1)
    assert verdict({"failed_elsewhere": 0}, GOOD + [there], done=done) == []
    for other in (row(91, outcome="IncompleteReadError", node_number=2),
                  row(92, outcome="IncompleteReadError", node_number=1, due=10.2),
                  row(93, outcome="IncompleteReadError", node_number=1, due=9.0)):
        assert verdict({"failed_elsewhere": 0}, GOOD + [other], done=done)


def test_streams_are_excused_by_what_was_killed():
    done = damage(killed=[(10.5, 1)], groups={"b"})
    excused = [opened("broken", node_number=1), opened("broken", group="b")]
    assert verdict({"broken_elsewhere": 0}, GOOD, excused, done=done) == []
    assert verdict({"broken_elsewhere": 0}, GOOD, excused + [opened("broken", node_number=2)], done=done)


def test_recovery_is_counted_from_the_fault():
    done = damage(begun=[10.5, 11.5])
    slow = [row(80, due=10.9, took=1.5), row(81, outcome="502", due=12.0)]
    assert verdict({"recovery": 0.6}, GOOD + slow, done=done) == []
    assert verdict({"recovery": 0.45}, GOOD + slow, done=done)


REVOKED = damage(revoked=[("r", 10.4, 10.5)])


def test_a_revoked_session_is_excused_for_being_signed_out_and_nobody_else():
    promise = {"no_failure": True, "but": "session_revoked", "signed_out": 0, "failed_elsewhere": 0, "recovery": 1.0}
    told = row(70, outcome="signed_out", due=10.4, session="r")
    assert verdict(promise, GOOD + [told], done=REVOKED) == []
    for other in (row(71, outcome="signed_out", due=10.4), row(72, outcome="signed_out", due=10.2, session="r")):
        assert verdict({"signed_out": 0}, GOOD + [other], done=REVOKED)
        assert verdict({"no_failure": True, "but": "session_revoked"}, GOOD + [other], done=REVOKED)
    assert verdict({"no_failure": True, "but": "session_revoked"}, GOOD + [row(73, outcome="502", session="r", due=11)],
                   done=REVOKED)
    assert verdict({"no_failure": True}, GOOD + [told], done=REVOKED)


def test_what_outlives_its_session_is_noticed():
    promise = {"served_revoked": 0, "streams_revoked": 0, "broken_elsewhere": 0}
    soon = [row(60, due=11.4, session="r")], [opened("broken", session="r", heard=12.4)]
    assert verdict(promise, GOOD + soon[0], soon[1], done=REVOKED) == []
    assert len(verdict(promise, GOOD + [row(61, due=11.6, session="r")], done=REVOKED)) == 1
    assert len(verdict(promise, GOOD, [opened("broken", session="r", heard=12.6)], done=REVOKED)) == 1
    assert len(verdict(promise, GOOD, [opened("broken", session="r", heard=10.2)], done=REVOKED)) == 1


def test_a_run_that_shows_nothing_is_no_success():
    assert verdict({"failed_gets": 0}, GOOD, planned=len(GOOD) + 1)
    assert verdict({"failed_gets": 0}, GOOD, share=0.02)
    assert verdict({"longest_gap": 1.0}, [])


def test_the_share_of_a_victim_that_had_little_to_do_is_no_zero(tmp_path, cleanup):
    # Two seconds of a small load are a few milliseconds of CPU time for a connector.
    idler = process(["/bin/sleep", "60"], tmp_path / "log")
    cleanup(idler.kill)
    assert 0 < cpu_seconds(idler.pid) < 1


# -- scenarios

@pytest.mark.parametrize("values", [
    {}, {"expect": {}}, {"expect": {"faild_gets": 0}}, {"expect": {"slowest": "soon"}}, {"expect": {"duplicates": 0}, "getz": 3},
    {"expect": {"duplicates": 0}, "fault": [{"at": "1s", "action": "skwe"}]}, {"expect": {"no_failure": True, "but": "rain"}},
    {"expect": {"duplicates": 0}, "nodes": 2}, {"expect": {"duplicates": 0}, "days": 370},
    {"expect": {"duplicates": 0}, "fault": [{"at": "1s", "action": "kill", "form": "3s"}]},
    {"expect": {"duplicates": 0}, "duration": "5s", "fault": [{"at": "4s", "action": "kill", "for": "2s"}]}])
def test_a_scenario_that_would_promise_nothing_is_refused(values):
    with pytest.raises(ValueError):
        scenario(values, "here")


def test_faults_are_put_right_in_their_order():
    plan = scenario({"expect": {"duplicates": 0}, "fault": [
        {"at": "4s", "action": "kill", "target": "node-1", "for": "5s"}, {"at": "500ms", "action": "slow", "target": "x", "by": "60ms"},
        {"at": "5s", "action": "freeze", "target": "y", "for": "1s"}]}, "here")
    assert [(one.at, one.action, one.target) for one in plan.events([])] == [
        (0.5, "slow", "x"), (4.0, "kill", "node-1"), (5.0, "freeze", "y"), (6.0, "thaw", "y"), (9.0, "restart", "node-1")]


def test_random_is_what_the_seed_says():
    def targets(seed):
        plan = scenario({"expect": {"duplicates": 0}, "fault": [{"at": "1s", "action": "kill", "for": "1s"}] * 8}, "here", seed)
        names = [f"connector-{number}" for number in range(9)]
        happens = plan.events(names)
        assert all(one.target in names for one in happens) and len(happens) == 16
        return [one.target for one in happens]
    assert targets(3) == targets(3) != targets(4)


def test_all_scenarios_can_be_read_and_those_of_the_simulation_too():
    files = sorted((ROOT / "tests" / "chaos").glob("*.toml"))
    simulated = sorted((ROOT / "tests" / "simulation" / "scenarios").glob("*.toml"))
    assert len(files) > 5 and len(simulated) > 5
    # No real process waits for a year.
    for file in [*files, *(one for one in simulated if one.stem != "half-a-year")]:
        assert read(file).faults, file


def test_the_rate_is_spread_in_the_same_proportions():
    plan = scenario({"expect": {"duplicates": 0}, "gets": 90, "posts": 6, "uploads": 2, "downloads": 2}, "here")
    plan.scale(50)
    assert [plan.load[key] for key in ("gets", "posts", "uploads", "downloads")] == [45, 3, 1, 1]


# -- the relay

@pytest.fixture
def relayed(cleanup):
    """A relay before two addresses with an echo each, which says its name first; and how to connect."""
    port, listeners = 0, []
    for address in ("127.0.0.2", "127.0.0.3"):
        listeners.append(socket.create_server((address, port)))
        port = listeners[0].getsockname()[1]

    def serve(listener):
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            one.sendall(listener.getsockname()[0][-1:].encode())
            threading.Thread(target=echo, args=(one,), daemon=True).start()

    def echo(one):
        while data := one.recv(100):
            one.sendall(data)
    for listener in listeners:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        cleanup(listener.close)
    way = relay({"node-0": "127.0.0.2", "node-1": "127.0.0.3"}, port)
    cleanup(way.stop)
    proxy = way.proxy("connector")

    def connect(host):
        one = stream(socket.create_connection(("127.0.0.1", proxy), 5))
        cleanup(one.close)
        one.send(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert b" 200 " in one.until(b"\r\n\r\n")
        return one
    return way, connect, listeners


def test_a_name_stands_for_all_nodes_and_an_address_for_one(relayed):
    _, connect, listeners = relayed
    assert {connect("service.localhost").exactly(1) for _ in range(4)} == {b"2", b"3"}
    assert {connect("127.0.0.3").exactly(1) for _ in range(3)} == {b"3"}
    listeners[0].shutdown(socket.SHUT_RDWR)
    listeners[0].close()
    assert {connect("service.localhost").exactly(1) for _ in range(3)} == {b"3"}


def test_a_cut_link_loses_nothing_and_says_nothing(relayed):
    way, connect, _ = relayed
    one = connect("127.0.0.2")
    assert one.exactly(1) == b"2"
    cut = way.between("connector", "node-0")[0]
    cut.set(cut=True)
    one.send(b"held")
    one.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        one.fill()
    cut.set(cut=False)
    one.sock.settimeout(5)
    assert one.exactly(4) == b"held"


def test_the_way_between_nodes_belongs_to_who_dials(relayed, cleanup):
    way, _, listeners = relayed
    port = listeners[0].getsockname()[1]
    way.join("node-1", "127.0.1.3", port, lambda near: "node-0" if holder(near[1], {"me": os.getpid()}) == "me" else "?")
    one = stream(socket.create_connection(("127.0.1.3", port), 5))
    cleanup(one.close)
    assert one.exactly(1) == b"3"
    assert way.between("node-0") == [way.link(name, "node-0") for name in ("node-1", "store", "connector")]
    assert way.between("connector") == [way.link("connector", name) for name in ("node-0", "node-1")]
    way.between("node-1", "node-0")[0].lose()
    assert one.ended(5)


def test_a_relay_that_has_stopped_leaves_its_addresses_to_the_next_one(relayed, cleanup):
    way, connect, _ = relayed
    assert connect("127.0.0.2").exactly(1) == b"2"
    places = [one.getsockname() for one in way.listeners]
    way.stop()
    for place in places:
        wait_until(lambda at=place: free(at), f"{place} to be free", 5)


def free(at):
    try:
        socket.create_server(at).close()
    except OSError:
        return False
    return True


def test_a_lost_link_is_reset(relayed):
    way, connect, _ = relayed
    one = connect("127.0.0.2")
    assert one.exactly(1) == b"2"
    way.between("connector", "node-0")[0].lose()
    assert one.ended(5)


# -- crashes on demand

def trial_node(folder):
    one = node(folder / "trial")
    one.run_words = ["--enable-chaos"]
    one.start()
    return one, control(one, folder / "tool").login_directly()


@pytest.mark.slow
def test_who_has_waited_long_for_a_connector_waits_on_when_the_queue_crashes(tmp_path, cleanup):
    own, tool = trial_node(tmp_path)
    raw = raw_origin()
    cleanup(raw.close)
    raw.on("/late", lambda e: e.answer(200, b"after all"))
    tool.apply(group_toml("main") + application_toml("app", own.url("app"), raw.url, "main", preauthentication="passthrough"))
    there = connector(own, tmp_path / "connector").enroll("main", tool.enrolment_token("main")).start()
    assert there.stop() == 0
    answers = []
    asking = threading.Thread(target=lambda: answers.append(own.browser().fetch(own.url("app") + "late")))
    begun = time.monotonic()
    asking.start()
    # Longer than anybody waits for a queue.
    wait_until(lambda: time.monotonic() - begun > 10.5, "a long wait", 20)
    assert tool.api("POST", "/chaos/crash", json={"actor": "group_queue"}).json()["told"] == 1
    wait_until(lambda: "queue of group main ended" in own.process.text(), "the crash")
    there.start()
    asking.join()
    assert answers[0].status_code == 200 and answers[0].text == "after all", answers[0].text
    assert there.stop() == 0 and own.stop() == 0


def test_actors_crash_only_where_that_was_asked_for(make_world, tmp_path):
    own = make_world()
    refused = own.control.api("POST", "/chaos/crash", json={"actor": "session_registry"})
    unknown = own.control.api("POST", "/chaos/crush", json={})
    assert refused.status_code == unknown.status_code == 404
    assert refused.json()["cause"] == unknown.json()["cause"] == "resource_unknown"
    other, tool = trial_node(tmp_path)
    assert tool.api("POST", "/chaos/crash", token="x", json={"actor": "session_registry"}).status_code == 401
    assert tool.api("POST", "/chaos/crash", json={"actor": "nobody"}).json()["cause"] == "actor_unknown"
    told = tool.api("POST", "/chaos/crash", json={"actor": "session_registry"})
    assert told.status_code == 200 and told.json() == {"actor": "session_registry", "told": 1}
    # It is the one that says whether a token still holds.
    wait_until(lambda: tool.api("GET", "/audit").status_code == 200, "the actor to be there again")
    assert other.process.text().count('actor session_registry ended') == 1
    events = tool.api("GET", "/audit").json()["audit"]
    ordered = next(one for one in events if one["action"] == "actor_crash_ordered" and one["target"] == "session_registry")
    assert ordered["actor"] == "alice"
    assert other.stop() == 0


# -- the whole thing

def run_scenario(tmp_path, text):
    file = tmp_path / "short.toml"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run([ROOT / "scripts" / "chaos", "--no-build", "--scenario", file, "--json", tmp_path / "numbers"],
                          capture_output=True, text=True, check=False, timeout=300,
                          env={**os.environ, "POSTERN_BIN": str(BIN)})
    assert (tmp_path / "numbers").exists(), done.stdout + done.stderr
    return done, json.loads((tmp_path / "numbers").read_text(encoding="utf-8"))["short"]


# The fourth socket is at node-0 and in the group whose connectors nobody kills: what a drain has to move, whichever connectors
# carried the others.
SHORT = """
duration = "12s"
gets = 60
posts = 10
sockets = 4
events = 3

[[fault]]
at = "2s"
action = "kill"
target = "connector-a1"

[[fault]]
at = "4s"
action = "crash_actor"
target = "sessions"

[[fault]]
at = "6s"
action = "drain"
target = "node-0"

[expect]
"""


@pytest.mark.slow
def test_a_short_run_keeps_its_promises(tmp_path):
    done, numbers = run_scenario(tmp_path, SHORT + "failed_gets = 0\nsigned_out = 0\nduplicates = 0\nlate_deliveries = 0\n"
                                                   "broken_elsewhere = 0\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert numbers["requests"] == 12 * 76 and not numbers["broken"]
    assert numbers["told_streams"] > 0


@pytest.mark.slow
def test_a_run_that_breaks_a_promise_says_so(tmp_path):
    # Whoever stops node-0 has its streams move: that is promised not to happen.
    done, numbers = run_scenario(tmp_path, SHORT.replace('action = "crash_actor"', 'action = "kill"').replace(
        'target = "sessions"', 'target = "node-1"') + "broken_streams = 0\nlongest_gap = \"1ms\"\n")
    assert done.returncode == 1
    assert {line.split(":")[0] for line in numbers["broken"]} >= {"broken_streams", "longest_gap"}, numbers
    assert "BROKEN broken_streams" in done.stdout
