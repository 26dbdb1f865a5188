"""What the check_* scripts have in common: a tree to look at, a line for each thing that is wrong, an exit code."""
import argparse
import pathlib


def run(explanation, problems_of):
    """Prints what `problems_of(root)` yields; returns 1 if there is any, else 0. `--help` prints `explanation`."""
    parser = argparse.ArgumentParser(description=explanation, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    problems = list(problems_of(parser.parse_args().root.resolve()))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0
