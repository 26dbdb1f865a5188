#!/usr/bin/python3
"""Prints "PASSED FAILED" of a JUnit report: count_tests.py ctest|pytest FILE. A report that is not there is one failure.

A program of unit tests is one test to ctest; what its own summary counts is counted instead.
"""
import re
import sys
import xml.etree.ElementTree


def count_pytest(cases):
    failed = sum(1 for case in cases if case.find("failure") is not None or case.find("error") is not None)
    skipped = sum(1 for case in cases if case.find("skipped") is not None)
    return len(cases) - failed - skipped, failed


def count_ctest(cases):
    passed = failed = 0
    for case in cases:
        text = case.findtext("system-out") or ""
        total = re.search(r"^\s*tests:\s+(\d+)", text, re.MULTILINE)
        good = case.get("status") == "run" and case.find("failure") is None
        if not total:
            passed, failed = passed + good, failed + (not good)
            continue
        names = text.split("failed tests:", 1)[1] if "failed tests:" in text else ""
        bad = max(len(re.findall(r"^\s*- ", names, re.MULTILINE)), 0 if good else 1)
        passed, failed = passed + int(total.group(1)) - bad, failed + bad
    return passed, failed


def main():
    kind, file = sys.argv[1:]
    try:
        cases = list(xml.etree.ElementTree.parse(file).getroot().iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError):
        cases = []
    if not cases:
        print(0, 1)
        return
    print(*(count_ctest if kind == "ctest" else count_pytest)(cases))


if __name__ == "__main__":
    main()
