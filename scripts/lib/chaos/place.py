"""Three nodes on PostgreSQL, two groups of three connectors, an origin, signed-in users; and the hand that breaks them."""
import pathlib
import sys
import threading

from harness.cluster import cluster
from harness.processes import connector, control, process, read_json, wait_until
from harness.published import application_toml, group_toml

from owners import holder
from relay import relay

HERE = pathlib.Path(__file__).resolve().parent
USERS = ("alice", "bob", "carol")
NODES = 3
CONNECTORS = 3
SAME_AS = {"store": "durable_store", "audit": "audit_log", "tokens": "token_verifier", "sessions": "session_registry",
           "connectors": "connector_registry", "authority": "certificate_authority", "cluster": "cluster_directory",
           "queue": "group_queue"}


class place:
    """`machines`: name to node or connector, named as in simulation: node-0, connector-a0, connector-b2."""

    def __init__(self, folder, chaos=False, shards=1):
        self.used, self.background, self.problems = {}, [], []
        self.draining = threading.Lock()
        # The first address of the machine stands for all nodes, as their name would.
        self.cluster = cluster(folder / "cluster", NODES, shards=shards, first_address=2, apart=True, start=False,
                               run_words=["--enable-chaos"] if chaos else [])
        self.nodes = {f"node-{number}": one for number, one in enumerate(self.cluster.nodes)}
        self.relay = relay({name: one.address for name, one in self.nodes.items()}, self.cluster.port)
        self.relay.balance("127.0.0.1")
        for number, name in enumerate(self.nodes):
            self.relay.join(name, self.cluster.between(number).split(":")[0], self.cluster.cluster_port, self.whose)
        for one in self.nodes.values():
            self.cluster.start(one)
        self.notes = folder / "posts"
        ready = folder / "origin.json"
        self.origin = process([sys.executable, HERE / "origin.py", ready, self.notes], folder / "origin.log")
        port = wait_until(lambda: read_json(ready), "the origin to listen")["port"]
        self.first = self.cluster.nodes[0]
        self.control = control(self.first, folder / "control").login_directly()
        self.cluster.wait_connected(self.control)
        self.control.apply("".join(group_toml(group) + application_toml(
            f"app-{group}", self.first.url(f"app-{group}"), f"http://127.0.0.1:{port}/", group,
            assigned=[f"user:{name}" for name in USERS]) for group in "ab"))
        self.machines = dict(self.nodes)
        for group in "ab":
            for number in range(CONNECTORS):
                self.add_connector(folder, f"connector-{group}{number}", group)
        self.cookies = self.sign_in()

    def add_connector(self, folder, name, group):
        one = self.machines[name] = connector(self.first, folder / name, name)
        one.env = {"https_proxy": f"http://127.0.0.1:{self.relay.proxy(name)}", "no_proxy": ""}
        one.enroll(group, self.control.enrolment_token(group)).start()

    def sign_in(self):
        """Every user signs in at another node; returns the Cookie fields by group."""
        cookies = {"a": [], "b": []}
        for number, name in enumerate(USERS):
            with self.cluster.browser(number % NODES) as client:
                for group, found in cookies.items():
                    client.sign_in(self.first.url(f"app-{group}") + "get?id=sign-in", name, self.first.users[name]["password"])
                    found.append("; ".join(f"{one.name}={one.value}" for one in client.client.cookies.jar
                                           if one.domain.startswith(f"app-{group}.")))
                    assert found[-1], f"{name} got no session for app-{group}"
        return cookies

    def do(self, fault):
        """Starts and planned stops are not waited for: the load goes on meanwhile."""
        action, name = fault.action, fault.target
        if action == "kill":
            self.machines[name].process.kill()
        elif action in ("freeze", "thaw"):
            getattr(self.machines[name].process, action)()
        elif action == "restart":
            self.later(self.start, name)
        elif action == "drain":
            self.later(self.restart_as_planned, name)
        elif action == "store_down":
            self.cluster.database.end()
        elif action == "store_up":
            self.later(self.cluster.database.start)
        elif action == "crash_actor":
            self.crash_actor(name)
        else:
            self.change_link(action, name, fault.by)

    def whose(self, port):
        """Which node's connection has this port."""
        return holder(port, {name: one.process.pid for name, one in self.nodes.items() if one.process is not None})

    def change_link(self, action, target, by):
        one, _, other = target.partition("~")
        for way in self.relay.between(one, other):
            if action == "lose":
                way.lose()
            elif action == "slow":
                way.set(delay=by)
            else:
                way.set(cut=action == "partition", delay=0.0)

    def crash_actor(self, target):
        """An actor of one node ("sessions@node-1"), or of all."""
        actor, _, where = target.partition("@")
        for number, name in enumerate(self.nodes):
            if where in ("", name):
                answer = self.cluster.api(number, self.control, "POST", "/chaos/crash", json={"actor": SAME_AS.get(actor, actor)})
                assert answer.status_code == 200, answer.text

    def start(self, name):
        one = self.machines[name]
        if name in self.nodes:
            self.cluster.start(one)
        else:
            one.start()

    def restart_as_planned(self, name):
        """One after the other, however close they stand in the plan."""
        with self.draining:
            code = self.machines[name].stop(80)
            assert code == 0, f"{name} ended with {code}"
            self.start(name)

    def later(self, work, *arguments):
        def run():
            try:
                work(*arguments)
            except Exception as problem:  # pylint: disable=broad-except
                self.problems.append(f"{work.__name__} {arguments}: {problem}")
        self.background.append(threading.Thread(target=run))
        self.background[-1].start()

    def settle(self):
        """Waits for what was begun; returns what went wrong with it."""
        for one in self.background:
            one.join()
        return self.problems

    def shares(self):
        """How the load is spread: each connector's part of the CPU time that those of its group have used since the last call."""
        used = {name: one.process.cpu_seconds() for name, one in self.machines.items()
                if name.startswith("connector") and one.process is not None and one.process.running}
        new = {name: value - self.used.get(name, 0.0) for name, value in used.items()}
        self.used = used
        return {name: value / max(0.01, sum(other for key, other in new.items() if key[:-1] == name[:-1]))
                for name, value in new.items()}

    def stop(self):
        self.settle()
        for one in self.machines.values():
            if one.process is not None:
                one.process.thaw()
                one.process.kill()
        self.relay.stop()
        self.cluster.database.stop()
        self.origin.kill()
