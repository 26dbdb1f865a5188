"""Three nodes on PostgreSQL, two groups of three connectors, an origin, signed-in users; and the hand that breaks them."""
import pathlib
import random
import sys
import threading
import time

from harness.cluster import cluster
from harness.processes import connector, control, cpu_seconds, process, read_json, wait_until
from harness.published import application_toml, group_toml

from calendars import calendars
from grounds import loopback, namespaces
from relay import STORE, relay
from users import USERS, users

HERE = pathlib.Path(__file__).resolve().parent
GROUPS = "ab"
NODES = 3
CONNECTORS = 3
SAME_AS = {"store": "durable_store", "audit": "audit_log", "tokens": "token_verifier", "sessions": "session_registry",
           "connectors": "connector_registry", "authority": "certificate_authority", "cluster": "cluster_directory",
           "queue": "group_queue"}


class place:
    """`machines`: name to node or connector, named as in simulation: node-0, connector-a0, connector-b2."""

    def __init__(self, folder, plan, apart):
        """`apart`: in network namespaces."""
        self.used, self.background, self.problems, self.away = {}, [], [], set()
        self.in_force = []  # how long each change took to be so everywhere
        self.draining = threading.Lock()
        self.chance = random.Random(plan.seed)
        self.ground = namespaces(NODES) if apart else loopback()
        self.calendars = calendars(folder / "calendars") if plan.needs("skew") else None
        self.cluster = cluster(folder / "cluster", NODES, start=False, on=self.ground,
                               run_words=["--enable-chaos"] if plan.needs("crash_actor") else [])
        self.nodes = {f"node-{number}": one for number, one in enumerate(self.cluster.nodes)}
        self.machines = dict(self.nodes)
        self.relay = self.connect()
        for name, one in self.nodes.items():
            one.env = self.calendar_of(name)
            self.cluster.start(one)
        self.notes = folder / "posts"
        ready = folder / "origin.json"
        self.origin = process([sys.executable, HERE / "origin.py", ready, self.notes, self.ground.relay], folder / "origin.log")
        port = wait_until(lambda: read_json(ready), "the origin to listen")["port"]
        self.first = self.cluster.nodes[0]
        self.control = control(self.first, folder / "control").login_directly()
        self.cluster.wait_connected(self.control)
        self.control.apply("".join(group_toml(group) + application_toml(
            f"app-{group}", self.first.url(f"app-{group}"), f"http://{self.ground.relay}:{port}/", group,
            assigned=[f"user:{name}" for name in USERS]) for group in GROUPS))
        for number in range(CONNECTORS * len(GROUPS)):
            self.add_connector(folder, number)
        self.users = users(self.cluster, self.control, folder, GROUPS)

    def connect(self):
        """What lies between the machines."""
        way = relay({name: one.address for name, one in self.nodes.items()}, self.cluster.port, self.ground.relay)
        way.balance("127.0.0.1")
        for number, name in enumerate(self.nodes):
            way.join(name, self.ground.way(number), self.cluster.cluster_port, lambda near: self.ground.whose(near, self.nodes))
            way.store(name, (self.ground.store_address(number), self.ground.store_port), self.cluster.database.socket_file)
        return way

    def calendar_of(self, name):
        return self.calendars.of(name) if self.calendars else {}

    def add_connector(self, folder, number):
        group = GROUPS[number // CONNECTORS]
        name = f"connector-{group}{number % CONNECTORS}"
        one = self.machines[name] = connector(self.first, folder / name, name)
        one.words = self.ground.words(self.ground.connector_address(number))
        proxy = f"http://{self.ground.relay}:{self.relay.proxy(name)}"
        one.env = {"https_proxy": proxy, "no_proxy": "", **self.calendar_of(name)}
        one.enroll(group, self.control.enrolment_token(group)).start()

    def do(self, fault):
        """Starts, planned stops and decisions are not waited for: the load goes on meanwhile."""
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
        elif action == "skew":
            self.calendars.set(name, fault.by)
        elif action == "publish":
            self.later(self.publish)
        elif action == "revoke_session":
            self.later(self.users.revoke, self.reachable(), self.chance)
        else:
            self.change_link(action, name, fault.by)
        (self.away.add if action in ("kill", "freeze") else self.away.discard)(name)

    def reachable(self):
        """The numbers of the nodes that run and have the store."""
        return [number for number, name in enumerate(self.nodes)
                if name not in self.away and not self.relay.link(name, STORE).cut]

    def publish(self):
        """Changes an application; notes how long it takes to be in force at every node that can know of it."""
        path = f"/applications/app-{self.chance.choice(GROUPS)}"
        changed = self.cluster.api(self.reachable()[0], self.control, "GET", path).json()
        changed["response_timeout"] = f"{self.chance.randrange(31, 60)}s"
        answer = self.cluster.api(self.reachable()[0], self.control, "POST", "/apply", json={"applications": [changed]})
        done = time.monotonic()
        assert answer.status_code == 200, answer.text

        def known(number):
            return self.cluster.api(number, self.control, "GET", path).json()["response_timeout"] == changed["response_timeout"]
        wait_until(lambda: all(known(number) for number in self.reachable()), "the change to be in force everywhere")
        self.in_force.append(time.monotonic() - done)

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
        order = {"actor": SAME_AS.get(actor, actor)}
        for number, name in enumerate(self.nodes):
            if where in ("", name):
                answer = self.cluster.api(number, self.control, "POST", "/chaos/crash", json=order)
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
        """How the load is spread: each connector's part of the CPU time of its group since the last call."""
        used = {name: cpu_seconds(one.process.pid) for name, one in self.machines.items()
                if name.startswith("connector") and one.process is not None and one.process.running}
        new = {name: value - self.used.get(name, 0.0) for name, value in used.items()}
        self.used = used
        return {name: value / max(1e-9, sum(other for key, other in new.items() if key[:-1] == name[:-1]))
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
        self.ground.stop()
