"""Shows that the simulation finds bugs: a simulation is made with each mutation, and must break a promise.

Called by scripts/simulate --mutations. The list: tests/simulation/mutations/list.txt. Nothing of the tree or of its build is
touched: the one file that differs is compiled anew, and linked before the objects of the build that has all the others.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = "tests/simulation/simulation"


def read_list(path):
    """Blocks "NAME: what it breaks", "FILE", "- old", "+ new", separated by empty lines."""
    mutations = []
    for block in path.read_text().split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        name, what = lines[0].split(": ", 1)
        old = "\n".join(line[2:] for line in lines[2:] if line.startswith("- "))
        new = "\n".join(line[2:] for line in lines[2:] if line.startswith("+ "))
        mutations.append((name, what, lines[1], old, new))
    return mutations


def run(command, **more):
    return subprocess.run(command, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


class Maker:
    """Builds simulations that differ in one file from that of a build directory."""

    def __init__(self, build):
        self.build = build
        commands = json.loads((build / "compile_commands.json").read_text())
        self.compilers = {entry["file"]: entry["command"] for entry in commands}
        steps = run(["ninja", "-C", build, "-t", "commands", PROGRAM]).stdout.splitlines()
        self.link = next(line for line in reversed(steps) if f"-o {PROGRAM}" in line)

    def make(self, file, text, folder):
        """Returns the program, or what the compiler or the linker said."""
        source, out, program = folder / pathlib.Path(file).name, folder / "mutated.o", folder / "simulation"
        source.write_text(text)
        command = self.compilers.get(str(ROOT / file))
        if command is None:
            return None, f"{file} is compiled by nobody"
        whole = re.sub(r" -o \S+ -c \S+$", f" -Wno-error -o {shlex.quote(str(out))} -c {shlex.quote(str(source))}", command)
        compiled = run(whole, shell=True, cwd=self.build)
        if compiled.returncode != 0:
            return None, compiled.stdout[-2000:]
        linked = run(self.link.replace(f"-o {PROGRAM}", f"-o {shlex.quote(str(program))} {shlex.quote(str(out))}"), shell=True,
                     cwd=self.build)
        return (program, "") if linked.returncode == 0 else (None, linked.stdout[-2000:])


def hunt(maker, mutation, seeds, folder):
    """Returns whether the mutation was caught, and a line that says how."""
    name, what, file, old, new = mutation
    whole = (ROOT / file).read_text()
    if whole.count(old) != 1:
        return False, f"{name}: its text stands {whole.count(old)} times in {file}, not once"
    place = folder / name
    place.mkdir()
    begun = time.monotonic()
    program, problem = maker.make(file, whole.replace(old, new), place)
    if program is None:
        return False, f"{name}: does not build\n{problem}"
    found = run([program, "--seeds", str(seeds), "--replay-every", "0", "--stop-at", "1"])
    shutil.rmtree(place)
    caught = [line for line in found.stdout.splitlines() if "broken promise" in line]
    if not caught and -found.returncode in (signal.SIGABRT, signal.SIGSEGV):
        caught = [f"ended by signal {-found.returncode}"]
    took = time.monotonic() - begun
    return bool(caught), f"{name}: {caught[0] if caught else 'NOT CAUGHT'}   ({what}; {took:.0f} s)"


def main():
    parser = argparse.ArgumentParser(prog="scripts/simulate --mutations")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the build directory that has the other objects")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="mutations whose name contains this")
    asked = parser.parse_args()
    maker = Maker(asked.build.resolve())
    mutations = [m for m in read_list(ROOT / "tests/simulation/mutations/list.txt") if asked.only in m[0]]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder, \
            concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        hunts = [pool.submit(hunt, maker, m, asked.seeds, pathlib.Path(folder)) for m in mutations]
        for done in concurrent.futures.as_completed(hunts):
            caught, line = done.result()
            print(line, flush=True)
            missed += 0 if caught else 1
    print(f"{missed} of {len(mutations)} not caught" if missed else f"all {len(mutations)} caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
