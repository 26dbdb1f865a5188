"""Several nodes on one PostgreSQL server. They have one port and the same names, each at an address of its own on this
machine; what asks for *.localhost reaches the first unless it says which node it means."""
import shutil
import types

from . import certificates, network
from .browser import browser
from .postgres import postgres
from .processes import connector, control, node, wait_until
from .published import application_toml, group_toml
from .raw_origin import raw_origin


class node_browser(browser):
    """A browser that reaches one node, whatever the name. `like`: has the cookies of another one."""

    def __init__(self, address, ca_file, like=None, **options):
        super().__init__(ca_file, **options)
        self.address = address
        if like is not None:
            for cookie in like.client.cookies.jar:
                self.client.cookies.jar.set_cookie(cookie)

    def _send(self, method, url, headers, options):
        with network.reach(self.address):
            return super()._send(method, url, headers, options)


class ground:
    """Where the nodes of a cluster stand: side by side, each at an address of its own, with nothing between them."""

    def address(self, number):
        return f"127.0.0.{number + 1}"

    def listen(self, number):
        """The address that a node listens on for users and connectors."""
        return self.address(number)

    def way(self, number):
        """The address at which the other nodes reach one."""
        return self.address(number)

    def store(self, _number, database):
        """How a node connects to the store."""
        return database.connection

    def words(self, _address):
        """What stands before a program to start it where that address is."""
        return []


class cluster:
    """`nodes[0]` is the one that connectors and tools reach by name, unless its `ground` leaves 127.0.0.1 to something that
    stands before all of them."""

    def __init__(self, folder, count=2, shards=1, start=True, run_words=(), on=None):
        self.folder = folder
        self.run_words = list(run_words)
        self.ground = on or ground()
        folder.mkdir(parents=True, exist_ok=True)
        self.database = postgres(folder)
        self.authority = certificates.authority(folder, "cluster-ca")
        self.port = network.free_port()
        self.cluster_port = network.free_port()
        self.nodes = [self._make(number, shards) for number in range(count)]
        if start:
            for one in self.nodes:
                self.start(one)

    def between(self, number):
        """Where the other nodes reach a node ("IP:port")."""
        return f"{self.ground.way(number)}:{self.cluster_port}"

    def _make(self, number, shards):
        name = f"node{number + 1}"
        address = self.ground.address(number)
        folder = self.folder / name
        folder.mkdir()
        connection_file = folder / "postgres.conf"
        connection_file.write_text(self.ground.store(number, self.database) + "\n", encoding="utf-8")
        connection_file.chmod(0o600)
        certificate, key = certificates.signed(folder, "cluster", self.authority)
        one = node(folder, port=self.port, shards=shards, address=address, listen=self.ground.listen(number), sections={
            "store": f'kind = "postgres"\nconnection_file = "{connection_file}"',
            "cluster": f'address = "{self.between(number)}"\nlisten_address = "{address}"\n'
                       f'service_address = "{address}:{self.port}"\ncertificate_file = "{certificate}"\nkey_file = "{key}"\n'
                       f'authority_file = "{self.authority.file}"'})
        one.run_words = self.run_words
        one.words = self.ground.words(address)
        return one

    def start(self, one):
        """Starts a node; a new one is given the master key of those that are there."""
        key = self.nodes[0].data / "master.key"
        if one is not self.nodes[0] and not (one.data / "master.key").exists() and key.exists():
            one.data.mkdir(mode=0o700, exist_ok=True)
            shutil.copy(key, one.data / "master.key")
        one.start()
        return one

    def browser(self, number, like=None, **options):
        one = self.nodes[number]
        return node_browser(one.address, self.nodes[0].ca, like, **options)

    def api(self, number, tool, method, path, **options):
        """A request to the admin API of one node with the token of a `control`."""
        with self.browser(number) as client:
            return client.request(method, tool.node.url("admin").rstrip("/") + "/api/v1" + path, base={},
                                  headers={"Authorization": "Bearer " + tool.access_token()}, **options)

    def sees(self, number, tool):
        """The other nodes that a node is connected with."""
        answer = self.api(number, tool, "GET", "/nodes")
        assert answer.status_code == 200, answer.text
        return {one["address"] for one in answer.json()["nodes"] if one["connected"] and not one["self"]}

    def wait_connected(self, tool):
        for number, one in enumerate(self.nodes):
            others = {self.between(other) for other in range(len(self.nodes)) if self.nodes[other] is not one}
            wait_until(lambda n=number, o=others: self.sees(n, tool) == o, f"node {number + 1} to be connected", 20)

    def stop(self):
        codes = [one.stop() for one in self.nodes]
        self.database.stop()
        return codes


def cluster_world(folder, count=2, **options):
    """A cluster with a connector at the first node, an origin, `app` (passthrough) and `guarded` (oidc, for bob)."""
    one = types.SimpleNamespace(folder=folder, raw=raw_origin(), cluster=cluster(folder / "cluster", count, **options))
    one.node = one.cluster.nodes[0]
    one.control = control(one.node, folder / "control").login_directly()
    one.cluster.wait_connected(one.control)
    one.published = group_toml("main") + application_toml(
        "app", one.node.url("app"), one.raw.url, "main", preauthentication="passthrough",
        connect_timeout="5s") + application_toml("guarded", one.node.url("guarded"), one.raw.url, "main", assigned=["user:bob"])
    one.control.apply(one.published)
    one.raw.on("/hello", lambda e: e.answer(200, b"hello"))
    one.raw.on("/guarded", lambda e: e.answer(200, e.head.get("X-Postern-User").encode()))
    one.connector = connector(one.node, folder / "connector").enroll("main", one.control.enrolment_token("main")).start()

    def stop():
        codes = [one.connector.stop(), *one.cluster.stop()]
        one.raw.close()
        assert set(codes) == {0}, f"{codes}; {folder}"
    one.stop = stop
    return one
