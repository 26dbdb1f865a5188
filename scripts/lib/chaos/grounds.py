"""Where the machines stand. Whatever goes from one to another goes through the relay, which listens at an address for each of
them; users are beside it and reach the nodes themselves."""
import os
import subprocess

from harness import network
from harness.cluster import ground
from harness.processes import process, wait_until

from owners import holder


class separate(ground):
    """`prefix`: the first two numbers of every address. The first address of all stands for all nodes, as their name would."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.relay = f"{prefix}.0.1"
        self.store_port = network.free_port()

    def address(self, number):
        return f"{self.prefix}.0.{number + 2}"

    def connector_address(self, number):
        return f"{self.prefix}.0.{number + 102}"

    def way(self, number):
        return f"{self.prefix}.1.{number + 2}"

    def store_address(self, number):
        return f"{self.prefix}.2.{number + 2}"

    def store(self, number, database):
        return f"host={self.store_address(number)} port={self.store_port} sslmode=disable user=postern dbname=postgres"

    def whose(self, near, nodes):
        """The name of the node that a connection to the relay comes from."""
        raise NotImplementedError

    def stop(self):
        """Takes down what was set up, the processes there having ended."""


class loopback(separate):
    """All on the loopback interface of this machine."""

    def __init__(self):
        super().__init__("127.0")

    def whose(self, near, nodes):
        # All dial from one address.
        return holder(near[1], {name: one.process.pid for name, one in nodes.items() if one.process is not None})


class namespaces(separate):
    """A network namespace for each machine, on one bridge of this namespace that passes nothing from one machine to another.
    For root, in a network namespace that nobody else uses."""

    BRIDGE = "postern0"

    def __init__(self, reserved):
        """`reserved`: of how many nodes the relay needs addresses."""
        super().__init__("10.213")
        self.keepers = {}
        # A bridge without an address of its own takes that of one of its cables, another one with each that is added.
        ip("link", "add", self.BRIDGE, "address", "02:00:00:00:00:01", "type", "bridge")
        for address in [self.relay, *map(self.way, range(reserved)), *map(self.store_address, range(reserved))]:
            ip("addr", "add", address + "/16", "dev", self.BRIDGE)
        ip("link", "set", self.BRIDGE, "up")

    def listen(self, _number):
        # So that a node finds the names under .localhost, its own, at home.
        return "0.0.0.0"

    def words(self, address):
        if address not in self.keepers:
            self.keepers[address] = self.make(address, f"machine{len(self.keepers)}")
        return ["nsenter", f"--net=/proc/{self.keepers[address].pid}/ns/net"]

    def make(self, address, cable):
        """A namespace lasts as long as a process in it, which lasts as long as this one."""
        keeper = process(["unshare", "--net", "cat"], os.devnull, stdin=subprocess.PIPE)
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{keeper.pid}/ns/net") != own, "a network namespace")
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(keeper.pid))
        ip("link", "set", cable, "master", self.BRIDGE, "up")
        subprocess.run(["bridge", "link", "set", "dev", cable, "isolated", "on"], check=True)
        inside = ["nsenter", f"--net=/proc/{keeper.pid}/ns/net", "ip"]
        subprocess.run([*inside, "addr", "add", address + "/16", "dev", "eth0"], check=True)
        for device in ("eth0", "lo"):
            subprocess.run([*inside, "link", "set", device, "up"], check=True)
        return keeper

    def whose(self, near, nodes):
        return next((name for name, one in nodes.items() if one.address == near[0]), "nobody")

    def stop(self):
        for one in self.keepers.values():
            one.kill()
        ip("link", "del", self.BRIDGE)


def ip(*words):
    subprocess.run(["ip", *words], check=True)
