"""What scripts/bench measures. A figure takes a side and gives values by the names of report.MEASURES."""
import re
import subprocess
import time

import clients
from sides import memory_of

LARGE, UPLOAD = 1 << 30, 256 << 20
RATE = 1000
IDLE = 1000


def http1(one, options):
    """As many requests as 64 kept-alive connections carry; wrk."""
    before = one.cpu()
    text = subprocess.run(["wrk", "-t2", f"-c{options.connections}", f"-d{options.seconds}s", "--latency", "-s", one.script,
                           one.base + "small"], check=True, capture_output=True, text=True).stdout
    used = one.cpu() - before
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"{one.name} did not answer all requests well:\n{text}")
    count = int(re.search(r"(\d+) requests in", text).group(1))
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return {"requests": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
            "p99": float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit], "cpu": used / count * 1e6,
            "memory": memory_of(one.pids)}


def http2(one, options):
    """16 connections with 8 streams each; h2load."""
    # h2load takes fields from its command line only. The cookie is good for this node alone, which ends with the run.
    cookie = ["-H", f"cookie: {one.cookie}"] if one.cookie else []
    before = one.cpu()
    text = subprocess.run(["h2load", "-t2", "-c16", "-m8", "-D", str(options.seconds), *cookie, one.base + "small"],
                          check=True, capture_output=True, text=True).stdout
    used = one.cpu() - before
    counts = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored", text)
    if "Application protocol: h2" not in text or not counts or counts.group(1) != counts.group(2) or counts.group(1) == "0":
        raise SystemExit(f"{one.name} did not answer all requests by HTTP/2:\n{text}")
    return {"h2_requests": float(re.search(r"finished in .*?, ([\d.]+) req/s", text).group(1)),
            "h2_cpu": used / int(counts.group(1)) * 1e6}


def open_loop(one, options):
    """1,000 requests/s, whether or not the answers keep up, over 64 connections."""
    latencies = sorted(clients.open_loop(one, RATE, options.connections, options.seconds))
    return {"open_p99": latencies[int(len(latencies) * 0.99)] * 1000}


def curl(one, *words):
    done = subprocess.run(["curl", "-sS", "--http1.1", "--noproxy", "*", "--cacert", one.ca, "-H", f"@{one.headers}",
                           "-H", "Expect:", "-o", "/dev/null", "-w", "%{http_code} %{speed_download} %{speed_upload} "
                           "%{size_download} %{size_upload}", *words], check=True, capture_output=True, text=True)
    code, down, up, got, sent = done.stdout.split()
    if code != "200":
        raise SystemExit(f"{one.name} answered {code} to {words}")
    return float(down) / (1 << 20), float(up) / (1 << 20), int(float(got)), int(float(sent))


def download(one, _):
    speed, _, size, _ = curl(one, one.base + "large")
    if size != LARGE:
        raise SystemExit(f"{one.name} delivered {size} bytes")
    return {"download": speed}


def upload(one, options):
    _, speed, _, size = curl(one, "-T", options.upload_file, one.base + "upload")
    if size != UPLOAD:
        raise SystemExit(f"{one.name} took {size} bytes")
    return {"upload": speed}


def handshakes(one, options):
    """New TLS 1.3 connections without a request, from two processes; then the same with a session ticket. The CPU time of
    the side stands beside it: that is its own even where the clients are what limits."""
    values = {}
    for name, resume in (("new", False), ("resumed", True)):
        before, start = one.cpu(), time.monotonic()
        count, resumed = clients.handshakes(one, options.seconds, resume)
        values[f"{name}_connections"] = count / (time.monotonic() - start)
        values[f"{name}_cpu"] = (one.cpu() - before) / count * 1e6
        if resumed != (count if resume else 0):
            raise SystemExit(f"{one.name} resumed {resumed} of {count} connections, ticket offered: {resume}")
    return values


def idle(one, _):
    """What the node's side grows by when 1,000 users are connected and silent, after one request each."""
    clients.open_idle(one, 1)[0].close()
    before = memory_of(one.node_pids)
    opened = clients.open_idle(one, IDLE)
    time.sleep(2)  # the last answers' buffers go first
    after = memory_of(one.node_pids)
    for stream in opened:
        stream.close()
    return {"idle": (after - before) * 1024 / IDLE}


# Measured once, before anything else: memory that load has left to the allocator would hide what connections need.
FRESH = {"idle": idle}
# Measured in every round.
ROUNDS = {"http1": http1, "http2": http2, "open_loop": open_loop, "download": download, "upload": upload,
          "handshakes": handshakes}
