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
from scenario import scenario  # noqa: E402
from verdict import broken, count  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
KINDS = (("GET", "gets", 32), ("POST", "posts", 8))


def start_load(own, plan, folder, begin):
    """One process per kind; returns (process, results file, requests planned) of each."""
    first, started = own.cluster.nodes[0], []
    for kind, rate, connections in KINDS:
        rate = getattr(plan, rate)
        if not rate:
            continue
        results = folder / f"{kind}.results"
        words = {"kind": kind, "path": "x", "rate": rate, "count": int(rate * plan.duration), "connections": connections,
                 "addresses": [one.address for one in own.cluster.nodes], "port": first.port, "host": "app-a.localhost",
                 "ca": str(first.ca), "begin": begin, "results": str(results)}
        (folder / f"{kind}.json").write_text(json.dumps(words), encoding="utf-8")
        started.append((process([sys.executable, HERE / "load.py", folder / f"{kind}.json"], folder / f"{kind}.log"),
                        results, words["count"]))
    return started


def events(plan):
    undo = {"freeze": "thaw", "kill": "restart", "store_down": "store_up"}
    for one in plan.faults:
        yield one.at, one.action, one.target
        if one.lasts:
            yield one.at + one.lasts, undo[one.action], one.target


def run(plan, folder):
    own = place(folder)
    try:
        begin = time.time() + 1
        started = start_load(own, plan, folder, begin)
        own.shares()
        share = None
        for at, action, target in sorted(events(plan)):
            time.sleep(max(0.0, begin + at - time.time()))
            if share is None:
                share = own.shares().get(target, 1.0)
            own.do(action, target)
        results = []
        for one, file, _ in started:
            if one.wait(plan.duration + 60) != 0:
                raise SystemExit(f"the load failed:\n{one.text()}")
            results += json.loads(file.read_text(encoding="utf-8"))
        time.sleep(2)  # what would be delivered late
        notes = [(float(at), ident.upper()) for at, ident in
                 (line.split() for line in own.notes.read_text(encoding="ascii").splitlines())]
        killed = {int(one.target[5:]) for one in plan.faults if one.action == "kill" and one.target.startswith("node-")}
        numbers = count(results, notes, killed)
        numbers["victim_share"] = share
        return numbers, broken(numbers, plan.expect, sum(number for _, _, number in started))
    finally:
        own.stop()


def main():
    parser = argparse.ArgumentParser(prog="scripts/chaos")
    parser.add_argument("--scenario", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    known = {file.stem: file for file in sorted((ROOT / "tests" / "chaos").glob("*.toml"))}
    if arguments.list:
        print("\n".join(f"{name:<24}{scenario(file).name}" for name, file in known.items()))
        return 0
    if arguments.scenario and arguments.scenario not in known:
        parser.error(f"no scenario '{arguments.scenario}'; there are {', '.join(known)}")
    everything, failed = {}, False
    for name in [arguments.scenario] if arguments.scenario else known:
        with tempfile.TemporaryDirectory(prefix="postern-chaos-") as folder:
            numbers, lines = run(scenario(known[name]), pathlib.Path(folder))
        print(f"== {name}\n" + "\n".join(f"  {key:<20}{value:.3f}" if isinstance(value, float) else f"  {key:<20}{value}"
                                         for key, value in numbers.items()), flush=True)
        for line in lines:
            print(f"  BROKEN {line}", flush=True)
        everything[name] = {**numbers, "broken": lines}
        failed = failed or bool(lines)
    if arguments.json:
        arguments.json.write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")
    return 1 if failed else 0


sys.exit(main())
