"""How cost grows with what a node holds: published applications, connectors, user connections. scripts/bench --growth."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests"), str(pathlib.Path(__file__).resolve().parent)]

import clients  # noqa: E402
import many  # noqa: E402
import nginx  # noqa: E402
import plot  # noqa: E402
import sides  # noqa: E402
from harness import network  # noqa: E402
from harness.processes import control, wait_until  # noqa: E402
from harness.published import application_toml, group_toml  # noqa: E402

# What is measured, with its steps; the first is the node as scripts/bench has it.
STEPS = {"applications": [1, 10, 100, 1000], "connectors": [1, 10, 1000], "connections": [10, 100, 10000]}
BUSY = 64  # connections that ask all the time


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench --growth")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=STEPS)
    parser.add_argument("--most", type=int, default=10000, help="leave out larger steps")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build" / "growth.json")
    parser.add_argument("--svg", type=pathlib.Path, default=ROOT / "docs" / "growth.svg")
    return parser.parse_args()


class bench_node:
    """One node with one connector that serves, as in scripts/bench, and ways to give it more."""

    def __init__(self, folder):
        self.started = []
        origin = nginx.start_origin(folder, 1 << 20)
        self.started.append(origin)
        self.origin_port = origin.port
        (folder / "postern").mkdir()
        self.side = sides.STARTS["postern"](folder / "postern", origin.port, None, self.started)
        self.node = self.started[1]
        self.admin = control(self.node, folder / "postern" / "control")
        self.folder = folder

    def memory(self):
        return sides.memory_of(self.side.node_pids)

    def publish(self, count):
        """`count` applications, of which the first carries the load; returns once they are in force."""
        more = "".join(application_toml(f"more-{number}", self.node.url(f"more-{number}"), f"http://127.0.0.1:{self.origin_port}/",
                                        "bench", assigned=["user:bob"]) for number in range(1, count))
        self.admin.apply(group_toml("bench") + application_toml(
            "bench", self.side.base, f"http://127.0.0.1:{self.origin_port}/", "bench", assigned=["user:bob"]) + group_toml("idle") + more)

    def load(self, connections, seconds):
        """Requests a second, and p99 in milliseconds."""
        text = subprocess.run(["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", self.side.script,
                               self.side.base + "small"], check=True, capture_output=True, text=True).stdout
        if "Non-2xx" in text:
            raise SystemExit(f"not all requests were answered well:\n{text}")
        value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
        return {"requests": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
                "p99": float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]}

    def stop(self):
        for one in reversed(self.started):
            one.stop()


def best(node, connections, options):
    """The round with the most requests: what else the machine does only ever takes away."""
    rounds = [node.load(connections, options.seconds) for _ in range(options.rounds)]
    return max(rounds, key=lambda one: one["requests"])


def applications(node, count, options):
    began = time.monotonic()
    node.publish(count)
    return {"published_in": time.monotonic() - began, "memory": node.memory(), **best(node, BUSY, options)}


def connectors(node, count, options):
    """`count` - 1 idle connectors beside the one that serves, each with two tunnels, in a group that gets no requests."""
    node.publish(1)
    before = node.memory()
    with many.idle_connectors(node, count - 1) as idle:
        wait_until(idle.ready, "the tunnels to be open", 600, 0.2)
        # The node's own part of the growth: heartbeats have gone over every tunnel by then.
        time.sleep(3)
        grown = node.memory() - before
        values = {"memory": node.memory(), **best(node, BUSY, options)}
        if count > 1:
            values["kib_each"] = grown * 1024 / (count - 1)
        return values


def connections(node, count, options):
    """`count` users are connected; as many of them as elsewhere ask all the time, the others have asked once."""
    silent = clients.open_idle(node.side, max(0, count - BUSY))
    try:
        return {"memory": node.memory(), **best(node, min(count, BUSY), options)}
    finally:
        for stream in silent:
            stream.close()


MEASURES = {"applications": applications, "connectors": connectors, "connections": connections}


def main():
    options = parse_arguments()
    network.resolve_localhost_names()
    sides.raise_descriptor_limit()
    results = {}
    for name in [options.only] if options.only else STEPS:
        results[name] = {}
        with tempfile.TemporaryDirectory(prefix="postern-growth-") as folder:
            # A node of its own: memory that an earlier step has left to the allocator would hide what the next one needs.
            node = bench_node(pathlib.Path(folder))
            try:
                node.load(BUSY, 1)
                for count in STEPS[name]:
                    if count <= options.most:
                        results[name][count] = MEASURES[name](node, count, options)
                        print(f"{name} {count}: " + "  ".join(f"{what} {value:.2f}" for what, value in results[name][count].items()), flush=True)
            finally:
                node.stop()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    if not options.only:
        options.svg.write_text(plot.growth(results), encoding="utf-8")
        print(f"plot: {options.svg}")
    print(f"all numbers: {options.json}")


if __name__ == "__main__":
    main()
