"""Three nodes on PostgreSQL, two groups of three connectors, an origin; and the hand that breaks them."""
import pathlib
import sys

from harness.cluster import cluster
from harness.processes import connector, control, process, read_json, wait_until
from harness.published import application_toml, group_toml

HERE = pathlib.Path(__file__).resolve().parent


class place:
    """`machines`: name to node or connector, named as in simulation: node-0, connector-a0, connector-b2."""

    def __init__(self, folder):
        self.used = {}
        self.cluster = cluster(folder / "cluster", 3)
        self.notes = folder / "posts"
        ready = folder / "origin.json"
        self.origin = process([sys.executable, HERE / "origin.py", ready, self.notes], folder / "origin.log")
        port = wait_until(lambda: read_json(ready), "the origin to listen")["port"]
        first = self.cluster.nodes[0]
        self.control = control(first, folder / "control").login_directly()
        self.cluster.wait_connected(self.control)
        self.control.apply("".join(group_toml(group) + application_toml(
            f"app-{group}", first.url(f"app-{group}"), f"http://127.0.0.1:{port}/", group,
            preauthentication="passthrough") for group in "ab"))
        self.machines = {f"node-{number}": one for number, one in enumerate(self.cluster.nodes)}
        for group in "ab":
            for number in range(3):
                name = f"connector-{group}{number}"
                self.machines[name] = connector(first, folder / name, name).enroll(
                    group, self.control.enrolment_token(group)).start()

    def do(self, action, name):
        """Starts are not waited for: the load goes on meanwhile."""
        one = None if action.startswith("store") else self.machines[name]
        if action == "kill":
            one.process.kill()
        elif action in ("freeze", "thaw"):
            getattr(one.process, action)()
        elif action == "restart":
            one.start()
        elif action == "drain":
            code = one.stop()
            assert code == 0, f"{name} ended with {code}"
            one.start()
        elif action == "store_down":
            self.cluster.database.end()
        elif action == "store_up":
            self.cluster.database.start()

    def shares(self):
        """How the load is spread: each connector's part of the CPU time that those of its group have used since the last call."""
        used = {name: one.process.cpu_seconds() for name, one in self.machines.items() if name.startswith("connector")}
        new = {name: value - self.used.get(name, 0.0) for name, value in used.items()}
        self.used = used
        return {name: value / max(0.01, sum(other for key, other in new.items() if key[:-1] == name[:-1]))
                for name, value in new.items()}

    def stop(self):
        for name, one in self.machines.items():
            if name.startswith("connector") and one.process is not None:
                one.process.thaw()
                one.process.kill()
        for one in self.cluster.nodes:
            one.process.thaw()
            one.process.kill()
        self.cluster.database.stop()
        self.origin.kill()
