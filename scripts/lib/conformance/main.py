"""The suites themselves; scripts/conformance installs, fetches and builds before it."""
import argparse
import pathlib
import shutil
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests"), str(pathlib.Path(__file__).resolve().parent), str(ROOT / "build" / "tools" / "kosoku")]

import suites  # noqa: E402
from harness import network  # noqa: E402
from place import place  # noqa: E402

KNOWN = tomllib.loads((pathlib.Path(__file__).resolve().parent / "known.toml").read_text(encoding="utf-8"))


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/conformance")
    parser.add_argument("--only", choices=suites.ALL)
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "build" / "conformance")
    parser.add_argument("--long", action="store_true")
    return parser.parse_args()


def judge(name, findings):
    """Prints what a suite has found; whether it is what is known."""
    known = KNOWN.get(name, {})
    for case, text in findings.items():
        print(f"  {'known' if case in known else 'NEW  '}  {case}: {text}" + (f" ({known[case]})" if case in known else ""))
    gone = [case for case in known if case not in findings]
    for case in gone:
        print(f"  GONE   {case}: known.toml need not have it any more")
    return not gone and all(case in known for case in findings)


def main():
    arguments = parse_arguments()
    network.resolve_localhost_names()
    arguments.results.mkdir(parents=True, exist_ok=True)
    good = True
    with tempfile.TemporaryDirectory(prefix="postern-conformance-") as folder:
        here = place(pathlib.Path(folder))
        try:
            for name in [arguments.only] if arguments.only else suites.ALL:
                count, findings = suites.ALL[name](here, arguments)
                print(f"{name}: {count} cases, {count - len(findings)} passed", flush=True)
                good = judge(name, findings) and good
            here.stop()
        except BaseException:
            shutil.copytree(folder, arguments.results / "logs", dirs_exist_ok=True,
                            ignore=lambda _, names: [one for one in names if not one.endswith(".log")])
            raise
    print("nothing new" if good else "there is something new")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
