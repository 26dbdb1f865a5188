"""The users of the load: each signed in to the application of every group, and signed in again after a session was revoked."""
import json
import threading
import time

from harness.processes import wait_until

from client import mark_of

USERS = ("alice", "bob", "carol")


class users:
    """`file`: their Cookie fields by group, for the load; replaced whole. `revoked`: (mark of the session, when that was asked
    for, when it was answered)."""

    def __init__(self, cluster, control, folder, groups):
        self.cluster, self.control, self.file = cluster, control, folder / "cookies.json"
        self.revoked = []
        self.lock = threading.Lock()
        self.cookies = {group: [] for group in groups}
        for number, name in enumerate(USERS):
            with cluster.browser(number % len(cluster.nodes)) as client:
                for group, found in self.cookies.items():
                    found.append(self.sign_in(client, name, group))
                    assert found[-1], f"{name} got no session for app-{group}"
        self.write()

    def sign_in(self, client, name, group):
        """The Cookie field of a new session, or nothing."""
        first = self.cluster.nodes[0]
        client.sign_in(first.url(f"app-{group}") + "get?id=sign-in", name, first.users[name]["password"])
        return "; ".join(f"{one.name}={one.value}" for one in client.client.cookies.jar
                         if one.domain.startswith(f"app-{group}."))

    def sign_in_again(self, node, name, group):
        """The same, in a browser that knows nothing yet."""
        with self.cluster.browser(node) as client:
            return self.sign_in(client, name, group)

    def write(self):
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.cookies), encoding="utf-8")
        new.replace(self.file)

    def session_of(self, name, group, nodes):
        """The id of a session, as the first of some nodes says that has it."""
        for number in nodes:
            for one in self.cluster.api(number, self.control, "GET", "/sessions").json()["sessions"]:
                if one["user"]["name"] == name and one["application"] == f"app-{group}":
                    return one["id"]
        raise AssertionError(f"no node has a session of {name} for app-{group}")

    def revoke(self, nodes, chance):
        """Revokes a session at the first of some nodes; its user signs in again."""
        with self.lock:
            group, number = chance.choice(sorted(self.cookies)), chance.randrange(len(USERS))
            ident = self.session_of(USERS[number], group, nodes)
            asked = time.time()
            answer = self.cluster.api(nodes[0], self.control, "POST", f"/sessions/{ident}/revoke", json={})
            assert answer.status_code == 200, answer.text
            self.revoked.append((mark_of(self.cookies[group][number]), asked, time.time()))
            # Whoever stands for the issuer may be a node that is cut off just now.
            self.cookies[group][number] = wait_until(lambda: self.sign_in_again(nodes[0], USERS[number], group), "a sign-in")
            self.write()
