"""The suites. Each takes the place and the options, and gives how many cases there were and what was found: text by case."""
import asyncio
import collections
import json
import pathlib
import subprocess
import xml.etree.ElementTree

from bridge import bridge

H2SPEC = pathlib.Path(__file__).resolve().parents[3] / "build" / "tools" / "h2spec"

# Autobahn's numbers. Left out unless --long: content of many MiB in pieces of some bytes, and the many sizes and sequences of
# permessage-deflate, which differ in how much is sent only.
SHORT = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*", "9.1.*", "9.2.*", "9.3.9", "9.4.9", "9.5.6", "9.6.6", "9.7.*", "9.8.*",
         *(f"12.{group}.{case}" for group in range(1, 6) for case in (1,)), *(f"13.{group}.1" for group in range(1, 8))]
# What a case may be besides well: the standard leaves it open, or a peer is as strict as it may be.
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}


def http2(here, options):
    report = options.results / "h2spec.xml"
    report.unlink(missing_ok=True)
    done = subprocess.run([H2SPEC, "--tls", "--insecure", "--strict", "--host", "localhost", "--port", str(here.node.port), "--timeout", "3",
                           "--junit-report", report], capture_output=True, text=True, check=False, timeout=900)
    (options.results / "h2spec.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    count, findings = 0, {}
    for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
        for number, case in enumerate(suite.iter("testcase"), 1):
            count += 1
            bad = case.find("failure") if case.find("failure") is not None else case.find("error")
            if bad is not None:
                findings[f"{case.get('package')}/{number} {case.get('classname')}"] = " ".join((bad.text or "").split())
    return count, findings


def websocket(here, options):
    wanted = None if options.long else SHORT
    ways = {"origin": here.echo.port,
            "HTTP/1.1": bridge(here.node.port, here.node.ca, "/echo/", "http/1.1").port,
            "HTTP/2": bridge(here.node.port, here.node.ca, "/echo/", "h2").port}
    results = {way: asyncio.run(run_cases(port, wanted)) for way, port in ways.items()}
    (options.results / "websocket.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    findings = {}
    for way, cases in results.items():
        counts = collections.Counter(behavior for behavior, _ in cases.values())
        print(f"  {way:<8} " + ", ".join(f"{behavior} {number}" for behavior, number in sorted(counts.items())))
        for case, verdict in cases.items():
            # The order of two answers decides between OK and NON-STRICT: better than at the origin is chance, not a finding.
            if verdict[0] not in GOOD or (verdict != results["origin"][case] and set(verdict) != {"OK"}):
                findings[f"{way} {case}"] = f"{'/'.join(verdict)}; at the origin {'/'.join(results['origin'][case])}"
    return sum(map(len, results.values())), findings


async def run_cases(port, wanted):
    import kosoku  # pylint: disable=import-outside-toplevel  # fetched, and for this suite only
    try:
        results = await kosoku.run_fuzzingclient(f"127.0.0.1:{port}", wanted, None)
    except kosoku.FailureError as failure:
        results = failure.results
    return {one.case_id: (one.behavior.value, one.behavior_close.value) for one in results}


def tls(here, options):
    report = options.results / "testssl.json"
    report.unlink(missing_ok=True)
    with open(options.results / "testssl.txt", "w", encoding="utf-8") as log:
        subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--jsonfile", report,
                        "--protocols", "--std", "--server-defaults", "--server-preference", "--fs", "--vulnerable", "--grease",
                        f"localhost:{here.node.port}"], stdout=log, stderr=log, check=False, timeout=900)
    findings, count = {}, 0
    for one in json.loads(report.read_text(encoding="utf-8")):
        if one["severity"] in ("DEBUG",):
            continue
        count += 1
        if one["severity"] not in ("OK", "INFO"):
            findings[one["id"]] = f"{one['severity']}: {one['finding']}"
    return count, findings


ALL = {"http2": http2, "websocket": websocket, "tls": tls}
