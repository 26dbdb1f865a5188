"""The runner behind scripts/chaos."""
import argparse
import json
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests"), str(pathlib.Path(__file__).resolve().parent)]

from harness.processes import process  # noqa: E402
from place import place  # noqa: E402
from scenario import read, seconds  # noqa: E402
from verdict import broken, count, damage  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
# Of each process of the load: kind, its rate in the scenario, connections. One alone would not keep up.
LOADS = ((("GET", "gets", 96),), (("POST", "posts", 12), ("upload", "uploads", 6), ("download", "downloads", 6)))


def start_load(own, plan, folder, begin):
    """Returns (process, results file, requests planned) of each process."""
    first, started = own.first, []
    for number, kinds in enumerate(LOADS):
        words = {"kinds": [(kind, plan.load[rate], connections) for kind, rate, connections in kinds if plan.load[rate]],
                 "sockets": plan.load["sockets"] if number else 0, "events": plan.load["events"] if number else 0,
                 "duration": plan.duration, "begin": begin, "addresses": [one.address for one in own.nodes.values()],
                 "port": first.port, "ca": str(first.ca), "cookies": str(own.users.file),
                 "results": str(folder / f"results{number}")}
        file = folder / f"load{number}.json"
        file.write_text(json.dumps(words), encoding="utf-8")
        started.append((process([sys.executable, HERE / "load.py", file], folder / f"load{number}.log"), words["results"],
                        sum(int(rate * plan.duration) for _, rate, _ in words["kinds"])))
    return started


def inflict(own, plan, begin):
    """Does what the plan says; returns (nodes killed and when, groups hit, when faults began, the share of its group's load
    that the connector hit first had carried)."""
    own.shares()
    share, killed, groups, begun = None, [], set(), []
    for one in plan.events([name for name in own.machines if name.startswith("connector")]):
        time.sleep(max(0.0, begin + one.at - time.time()))
        if one.target.startswith("connector"):
            share = own.shares().get(one.target) if share is None else share
            if one.action in ("kill", "freeze", "partition", "lose"):
                groups.add(one.target[10])
        if one.action not in ("restart", "thaw", "heal", "store_up", "publish", "revoke_session"):
            begun.append(time.time())
        own.do(one)
        if one.action in ("kill", "freeze") and one.target in own.nodes:
            killed.append((time.time(), list(own.nodes).index(one.target)))
    return killed, groups, begun, share


def read_notes(file):
    lines = (line.split() for line in file.read_text(encoding="ascii").splitlines())
    return [(float(at), ident) for at, ident in lines]


def run(plan, folder, apart):
    own = place(folder, plan, apart)
    try:
        begin = time.time() + 1.5
        started = start_load(own, plan, folder, begin)
        killed, groups, begun, share = inflict(own, plan, begin)
        requests, streams = [], []
        for one, file, _ in started:
            if one.wait(plan.duration + 60) != 0:
                raise SystemExit(f"the load failed:\n{one.text()}")
            seen = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
            requests += seen["requests"]
            streams += seen["streams"]
        time.sleep(2)  # what would be delivered late
        problems = own.settle()
        numbers = count(requests, streams, read_notes(own.notes), damage(killed, groups, begun, own.users.revoked))
        numbers["victim_share"] = share
        numbers["in_force"] = max(own.in_force, default=0.0)
        return numbers, problems + broken(numbers, plan.expect, sum(number for _, _, number in started))
    finally:
        own.stop()


def show(name, numbers, lines):
    print(f"== {name}")
    for key, value in numbers.items():
        if value not in ({}, None):
            print(f"  {key:<18}{value:.3f}" if isinstance(value, float) else f"  {key:<18}{value}")
    for line in lines:
        print(f"  BROKEN {line}")
    sys.stdout.flush()


def options():
    parser = argparse.ArgumentParser(prog="scripts/chaos")
    parser.add_argument("--scenario", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--duration", type=seconds, default=0.0)
    parser.add_argument("--keep", type=pathlib.Path)
    # Set by scripts/chaos where it can be had.
    parser.add_argument("--namespaces", action="store_true", help=argparse.SUPPRESS)
    return parser


def prepared(file, arguments):
    plan = read(file, arguments.seed)
    if arguments.duration:
        last = max((one.at + one.lasts for one in plan.faults), default=0.0)
        if arguments.duration < last:
            raise ValueError(f"{file}: the last fault ends {last:.0f} s after the begin")
        plan.duration = arguments.duration
    if arguments.rate:
        plan.scale(arguments.rate)
    return plan


def main():
    parser = options()
    arguments = parser.parse_args()
    known = {file.stem: file for file in sorted((ROOT / "tests" / "chaos").glob("*.toml"))}
    if arguments.list:
        print("\n".join(f"{name:<24}{read(file).name}" for name, file in known.items()))
        return 0
    wanted = known
    if arguments.scenario:
        file = known.get(arguments.scenario, pathlib.Path(arguments.scenario))
        if not file.is_file():
            parser.error(f"no scenario '{arguments.scenario}'; there are {', '.join(known)}")
        wanted = {file.stem: file}
    try:
        plans = {name: prepared(file, arguments) for name, file in wanted.items()}
    except ValueError as problem:
        parser.error(str(problem))
    everything = {}
    for name, plan in plans.items():
        with tempfile.TemporaryDirectory(prefix="postern-chaos-") as folder:
            numbers, lines = run(plan, arguments.keep / name if arguments.keep else pathlib.Path(folder), arguments.namespaces)
        show(f"{name} (seed {arguments.seed})", numbers, lines)
        everything[name] = {**numbers, "broken": lines}
    if arguments.json:
        arguments.json.write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")
    return 1 if any(one["broken"] for one in everything.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
