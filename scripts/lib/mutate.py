"""Shows that the simulation finds bugs: each mutation is applied to a copy of the tree, built, and must be caught.

Called by scripts/simulate --mutations. The list: tests/simulation/mutations/list.txt.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


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


def run(*command, **more):
    return subprocess.run([str(part) for part in command], text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **more)


def copy_tree(target):
    """Copies what git knows or would add; a file that is the same stays as it is, so that little is built again."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"], check=True, stdout=subprocess.PIPE)
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, copied = ROOT / name, target / name
        if not source.is_file() or (copied.is_file() and copied.read_bytes() == source.read_bytes()):
            continue
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copied)


def main():
    parser = argparse.ArgumentParser(prog="scripts/simulate --mutations")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--only", default="", help="mutations whose name contains this")
    asked = parser.parse_args()
    # A place that stays, so that a second round builds only what differs.
    copy = ROOT / "build" / "mutations"
    copy.mkdir(parents=True, exist_ok=True)
    copy_tree(copy / "tree")
    tree, build = copy / "tree", copy / "out"
    made = run("cmake", "-S", tree, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g1")
    if made.returncode != 0:
        sys.exit(made.stdout)
    missed = 0
    for name, what, file, old, new in read_list(ROOT / "tests/simulation/mutations/list.txt"):
        if asked.only not in name:
            continue
        source = tree / file
        whole = source.read_text()
        if whole.count(old) != 1:
            print(f"{name}: its text stands {whole.count(old)} times in {file}, not once")
            missed += 1
            continue
        source.write_text(whole.replace(old, new))
        try:
            built = run("ninja", "-C", build, "simulation")
            if built.returncode != 0:
                print(f"{name}: does not build\n{built.stdout[-2000:]}")
                missed += 1
                continue
            found = run(build / "tests/simulation/simulation", "--seeds", asked.seeds, "--replay-every", 0, "--stop-at", 1)
            caught = [line for line in found.stdout.splitlines() if "broken promise" in line]
            print(f"{name}: {caught[0] if caught else 'NOT CAUGHT'}   ({what})", flush=True)
            missed += 0 if caught else 1
        finally:
            source.write_text(whole)
    print(f"{missed} not caught" if missed else "all caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
