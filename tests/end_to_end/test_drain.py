"""A node that an administrator drains, here or from another node; where its connectors are before it ends."""
import threading

import pytest

from harness.cluster import cluster_world
from harness.processes import connector, wait_until


@pytest.fixture
def make_cluster(tmp_path, process_logs):
    made = []
    process_logs.append(tmp_path)

    def make(count=2):
        made.append(cluster_world(tmp_path / "own", count))
        return made[-1]
    yield make
    process_logs.remove(tmp_path)
    for one in made:
        one.stop()


def test_a_drained_node_finishes_what_it_began_and_ends(make_world):
    own = make_world()
    begun, release = threading.Event(), threading.Event()
    results = []

    def slow(one):
        begun.set()
        release.wait(30)
        one.answer(200, b"finished")
    own.raw.on("/slow", slow)

    def ask():
        with own.node.browser() as client:
            answer = client.get(own.node.url("app") + "slow")
            results.append((answer.status_code, answer.text))
    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(10)
    assert "draining" in own.control.expect("drain", "node", "self")
    wait_until(lambda: "exchanges in hand finish first" in own.node.process.text(), "the node to begin its stop")
    release.set()
    assert own.node.process.wait() == 0
    asking.join(20)
    assert results == [(200, "finished")]
    own.node.start()
    audit = own.control.api("GET", "/audit").json()["audit"]
    drained = [one for one in audit if one["action"] == "node_drained"]
    assert [(one["actor"], one["target"]) for one in drained] == [("alice", "self")]


def test_only_administrators_drain(make_world):
    own = make_world(enrolled=False)
    with own.node.browser() as client:
        answer = client.request("POST", own.node.url("admin") + "api/v1/nodes/self/drain", base={})
    assert answer.status_code == 401
    unknown = own.control.run("drain", "node", "192.0.2.1:7443")
    assert unknown.returncode == 1 and "node_unknown" in unknown.stderr
    assert own.node.process.running


def test_another_node_is_drained_from_here_and_its_connectors_stay_within_reach(make_cluster):
    own = make_cluster()
    with own.cluster.browser(1) as client:
        assert client.get(own.node.url("app") + "hello").status_code == 200
    name = own.cluster.between(1)
    listed = own.control.expect("get", "nodes")
    assert name in listed and "this node" in listed
    own.control.expect("drain", "node", name)
    assert own.cluster.nodes[1].process.wait() == 0
    assert own.cluster.database.query("SELECT count(*) FROM postern.records WHERE kind = 'leave_order'") == "0"
    with own.cluster.browser(0) as client:
        assert client.get(own.node.url("app") + "hello").status_code == 200
    audit = own.control.api("GET", "/audit").json()["audit"]
    assert [(one["actor"], one["target"]) for one in audit if one["action"] == "node_drained"] == [("alice", name)]
    # It comes back as any node does, and is not sent away again.
    own.cluster.nodes[1].start()
    own.cluster.wait_connected(own.control)


def test_connectors_are_at_other_nodes_before_theirs_ends(make_cluster):
    own = make_cluster()
    node = own.cluster.nodes[0]
    own.control.expect("drain", "node", "self")
    assert node.process.wait() == 0
    # The connector had been told of the first node only: now that this is gone, nobody could call it over.
    with own.cluster.browser(1) as client:
        assert client.get(own.node.url("app") + "hello").status_code == 200
    node.start()
    own.cluster.wait_connected(own.control)


def state_of(control, one):
    return control.api("GET", "/connectors/" + one).json()


def test_a_connector_is_drained_without_a_failed_request_until_it_is_resumed(make_world, tmp_path):
    own = make_world()
    other = connector(own.node, tmp_path / "other", "other").enroll("main", own.control.enrolment_token("main")).start()
    failures, stop = [], threading.Event()

    def ask(method):
        with own.node.browser() as client:
            while not stop.is_set():
                answer = client.request(method, own.node.url("app") + "hello", base={})
                if answer.status_code != 200:
                    failures.append((method, answer.status_code, answer.text))
    asking = [threading.Thread(target=ask, args=(method,)) for method in ("GET", "POST", "GET", "POST")]
    for one in asking:
        one.start()
    drained = own.connector.ready()["connector"]
    try:
        assert "draining" in own.control.expect("drain", "connector", drained)
        wait_until(lambda: state_of(own.control, drained)["tunnels"] == 0, "the tunnels to end")
        assert "drained" in own.control.expect("get", "connectors")
        assert own.connector.stop() == 0
        own.connector.start()
        assert state_of(own.control, drained)["drained"] and state_of(own.control, drained)["tunnels"] == 0
        own.control.expect("resume", "connector", drained)
        wait_until(lambda: state_of(own.control, drained)["tunnels"] == 2, "the tunnels to be back")
        # Now it is the only one.
        own.control.expect("drain", "connector", other.ready()["connector"])
        wait_until(lambda: state_of(own.control, other.ready()["connector"])["tunnels"] == 0, "the other's tunnels to end")
    finally:
        stop.set()
        for one in asking:
            one.join(30)
        assert other.stop() == 0
    assert not failures, failures[:3]
    audit = [one["action"] for one in own.control.api("GET", "/audit").json()["audit"] if one["target"] == drained]
    assert audit.count("connector_drained") == 1 and audit.count("connector_resumed") == 1


def test_nobody_drains_a_connector_that_there_is_not(make_world):
    own = make_world(enrolled=False)
    unknown = own.control.run("drain", "connector", "nobody")
    assert unknown.returncode == 1 and "connector_unknown" in unknown.stderr
