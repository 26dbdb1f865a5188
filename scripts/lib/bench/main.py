"""The benchmark itself; scripts/bench installs and builds before it."""
import argparse
import json
import os
import pathlib
import platform
import statistics
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests"), str(pathlib.Path(__file__).resolve().parent)]

import envoy  # noqa: E402
import figures  # noqa: E402
import nginx  # noqa: E402
import report  # noqa: E402
import sides  # noqa: E402
from harness import network  # noqa: E402

FIGURES = [*figures.ROUNDS, *figures.FRESH]


def chosen_figures(text):
    names = text.split(",")
    for name in names:
        if name not in FIGURES:
            raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(FIGURES)}")
    return names


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--figures", type=chosen_figures, default=FIGURES)
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--only", choices=sides.STARTS)
    return parser.parse_args()


def start_sides(folder, arguments, started):
    origin = nginx.start_origin(folder, figures.LARGE)
    started.append(origin)
    certificate = nginx.make_certificate(folder)
    running = []
    for name in [arguments.only] if arguments.only else sides.STARTS:
        if name == "envoy" and not envoy.PROGRAM.exists():
            print(f"envoy: left out, {envoy.PROGRAM} is not there; without --no-setup it is fetched")
            continue
        (folder / name).mkdir()
        running.append(sides.STARTS[name](folder / name, origin.port, certificate, started))
        print(f"{name}: processes {' '.join(map(str, running[-1].pids))}", flush=True)
    return running


def measure(running, arguments):
    """(values measured once, by side; a list of the values of each round, by side)."""
    once = {one.name: {} for one in running}
    for one in running:
        for name in figures.FRESH:
            if name in arguments.figures:
                once[one.name].update(figures.FRESH[name](one, arguments))
                print(f"once     {one.name:<8} {report.line_of(once[one.name])}", flush=True)
    rounds = {one.name: [] for one in running}
    chosen = [figures.ROUNDS[name] for name in figures.ROUNDS if name in arguments.figures]
    if not chosen:
        return once, rounds
    for one in running:
        figures.http1(one, argparse.Namespace(seconds=1, connections=arguments.connections))  # warm
    for number in range(arguments.rounds):
        values = {one.name: {} for one in running}
        for figure in chosen:
            # Who goes first changes, so that none gains by its place; the sides follow each other closely in every figure.
            first = number % len(running)
            for one in running[first:] + running[:first]:
                values[one.name].update(figure(one, arguments))
        for name, got in values.items():
            rounds[name].append(got)
            print(f"round {number + 1}  {name:<8} {report.line_of(got)}", flush=True)
    return once, rounds


def main():
    arguments = parse_arguments()
    network.resolve_localhost_names()
    sides.raise_descriptor_limit()
    started = []
    # Uploads that nginx keeps for a moment are to cost memory, not disk.
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="postern-bench-", dir=place) as name:
        folder = pathlib.Path(name)
        try:
            running = start_sides(folder, arguments, started)
            arguments.upload_file = folder / "upload"
            with open(arguments.upload_file, "wb") as out:
                out.truncate(figures.UPLOAD)
            once, rounds = measure(running, arguments)
        finally:
            for one in reversed(started):
                one.stop()
    medians = {name: {**once[name], **{what: statistics.median(one[what] for one in got) for what in (got[0] if got else ())}}
               for name, got in rounds.items()}
    if medians:
        report.print_table(medians)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({
        "cores": os.cpu_count(), "machine": platform.platform(), "once": once, "rounds": rounds, "medians": medians,
        "connections": arguments.connections, "seconds": arguments.seconds}, indent=1), encoding="utf-8")
    print(f"\nAll numbers: {arguments.json}")


if __name__ == "__main__":
    main()
