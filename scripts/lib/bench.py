"""The benchmark itself; scripts/bench installs and builds before it."""
import argparse
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "scripts" / "lib")]

import nginx  # noqa: E402
from harness import network  # noqa: E402
from harness.processes import connector, control, node  # noqa: E402
from harness.published import application_toml, group_toml  # noqa: E402

GIB = 1 << 30
LARGE, UPLOAD = GIB, 256 << 20
TICK = os.sysconf("SC_CLK_TCK")
# What is measured: (name, unit, digits, whether more is better, target as a ratio to nginx)
MEASURES = [("requests", "requests/s", 0, True, 1.1), ("p99", "ms", 2, False, None), ("cpu", "CPU us/request", 1, False, 0.8),
            ("download", "MiB/s", 0, True, 0.9), ("upload", "MiB/s", 0, True, 0.9), ("memory", "MiB", 1, False, None)]


def cpu_of(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def memory_of(pids):
    """In MiB; what processes share counts once among them."""
    return sum(int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE).group(1))
               for pid in pids) / 1024


class side:
    """One of the two ways to the origin. The host is "localhost", the one name that every tool resolves."""

    def __init__(self, name, port, ca, pids, cookie, folder):
        self.name, self.pids = name, pids
        self.base = f"https://localhost:{port}/"
        self.ca = ca
        # In files: what stands on a command line is for everybody to read.
        self.script, self.headers = folder / f"{name}.lua", folder / f"{name}.headers"
        self.script.write_text(f'wrk.headers["Cookie"] = "{cookie}"\n' if cookie else "", encoding="utf-8")
        self.headers.write_text(f"Cookie: {cookie}\n" if cookie else "X-None: 1\n", encoding="utf-8")

    def requests(self, seconds, connections):
        before = cpu_of(self.pids)
        text = subprocess.run(["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", self.script,
                               self.base + "small"], check=True, capture_output=True, text=True).stdout
        used = cpu_of(self.pids) - before
        if "Non-2xx" in text or "Socket errors" in text:
            raise SystemExit(f"{self.name} did not answer all requests well:\n{text}")
        count = int(re.search(r"(\d+) requests in", text).group(1))
        value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
        return {"requests": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
                "p99": float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit], "cpu": used / count * 1e6,
                "memory": memory_of(self.pids)}

    def curl(self, *words):
        done = subprocess.run(["curl", "-sS", "--http1.1", "--noproxy", "*", "--cacert", self.ca, "-H", f"@{self.headers}",
                               "-H", "Expect:", "-o", "/dev/null", "-w", "%{http_code} %{speed_download} %{speed_upload} "
                               "%{size_download} %{size_upload}", *words], check=True, capture_output=True, text=True)
        code, down, up, got, sent = done.stdout.split()
        if code != "200":
            raise SystemExit(f"{self.name} answered {code} to {words}")
        return float(down) / (1 << 20), float(up) / (1 << 20), int(float(got)), int(float(sent))

    def download(self):
        speed, _, size, _ = self.curl(self.base + "large")
        if size != LARGE:
            raise SystemExit(f"{self.name} delivered {size} bytes")
        return {"download": speed}

    def upload(self, file):
        _, speed, _, size = self.curl("-T", file, self.base + "upload")
        if size != UPLOAD:
            raise SystemExit(f"{self.name} took {size} bytes")
        return {"upload": speed}


def start_postern(folder, origin_port, started):
    here = node(folder / "node", shards=0, sections={"log": "access = false"})
    here.start()
    started.append(here)
    admin = control(here, folder / "control").login()
    external = f"https://localhost:{here.port}/"
    admin.apply(group_toml("bench") + application_toml(
        "bench", external, f"http://127.0.0.1:{origin_port}/", "bench", assigned=["user:bob"]))
    inside = connector(here, folder / "connector").enroll("bench", admin.enrolment_token("bench")).start()
    started.append(inside)
    with here.browser() as browser:
        page = browser.sign_in(external + "small", "bob", here.users["bob"]["password"])
        assert page.status_code == 200, f"{page.status_code}: {page.text}"
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.client.cookies.jar
                           if one.domain.split(".")[0] == "localhost")
    return side("postern", here.port, here.ca, [here.process.pid, inside.process.pid], cookie, folder)


def start_nginx(folder, origin_port, started):
    front, back, certificate = nginx.start_proxies(folder, origin_port)
    started += [front, back]
    pids = [*front.pids(), *back.pids(), front.process.pid, back.process.pid]
    return side("nginx", front.port, certificate, pids, "", folder)


def measure(sides, arguments, file):
    numbers = {one.name: [] for one in sides}
    for one in sides:
        one.requests(1, arguments.connections)  # warm
    for number in range(arguments.rounds):
        # Who goes first changes, so that neither gains by its place.
        for one in sides if number % 2 == 0 else sides[::-1]:
            values = {**one.requests(arguments.seconds, arguments.connections), **one.download(), **one.upload(file)}
            numbers[one.name].append(values)
            print(f"round {number + 1}  {one.name:<8}" + "  ".join(
                f"{values[name]:.{digits}f} {unit}" for name, unit, digits, *_ in MEASURES), flush=True)
    return numbers


def print_table(medians):
    names = list(medians)
    print(f"\n{'median':<26}" + "".join(f"{name:>10}  " for name in names)
          + (f"{'ratio':>7}  target" if len(names) > 1 else ""))
    for name, unit, digits, more, target in MEASURES:
        line = f"{unit if name in unit or name == 'cpu' else name + ', ' + unit:<26}"
        line += "".join(f"{medians[one][name]:>10.{digits}f}  " for one in names)
        if len(names) > 1:
            ratio = medians["postern"][name] / medians["nginx"][name]
            line += f"{ratio:>7.2f}"
            if target:
                met = ratio >= target if more else ratio <= target
                line += f"  {'>=' if more else '<='} {target} {'met' if met else 'missed'}"
        print(line)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--only", choices=["postern", "nginx"])
    arguments = parser.parse_args()
    network.resolve_localhost_names()
    started = []
    # Uploads that nginx keeps for a moment are to cost memory, not disk.
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="postern-bench-", dir=place) as name:
        folder = pathlib.Path(name)
        try:
            origin = nginx.start_origin(folder, LARGE)
            started.append(origin)
            sides = []
            if arguments.only != "nginx":
                (folder / "postern").mkdir()
                sides.append(start_postern(folder / "postern", origin.port, started))
            if arguments.only != "postern":
                (folder / "nginx").mkdir()
                sides.append(start_nginx(folder / "nginx", origin.port, started))
            for one in sides:
                print(f"{one.name}: processes {' '.join(map(str, one.pids))}")
            file = folder / "upload"
            with open(file, "wb") as out:
                out.truncate(UPLOAD)
            numbers = measure(sides, arguments, file)
        finally:
            for one in reversed(started):
                one.stop()
    medians = {name: {what: statistics.median(one[what] for one in rounds) for what, *_ in MEASURES}
               for name, rounds in numbers.items()}
    print_table(medians)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({
        "cores": os.cpu_count(), "machine": platform.platform(), "rounds": numbers, "medians": medians,
        "connections": arguments.connections, "seconds": arguments.seconds}, indent=1), encoding="utf-8")
    print(f"\nAll numbers: {arguments.json}")


if __name__ == "__main__":
    main()
