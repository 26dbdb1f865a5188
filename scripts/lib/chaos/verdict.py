"""What users and the origin saw, as numbers, and which promises that breaks. Rows as load.py and streams.py write them."""
import collections

from scenario import TIMES

IDEMPOTENT = ("GET", "download")
# From here on something counts as not back to normal.
SLOW = 1.0
# A kill is noted when the process has gone; its users may have noticed a moment before.
NOTED_AFTER = 0.5
# From when a session was revoked until no node serves it, and until nothing comes on its streams.
REVOKED_WITHIN = 1.0
CUT_WITHIN = 2.0
PLURALS = {"GET": "failed_gets", "POST": "failed_posts", "upload": "failed_uploads", "download": "failed_downloads"}


class damage:
    """What the faults have taken away. `killed`: (time, node number) of each node that was killed or frozen; `groups`: those
    whose connectors were; `begun`: when each fault began; `revoked`: (session, when that was asked for, when answered)."""

    def __init__(self, killed=(), groups=(), begun=(), revoked=()):
        self.killed, self.groups, self.begun = list(killed), set(groups), sorted(begun)
        self.asked = {session: asked for session, asked, _ in revoked}
        self.over = {session: answered for session, _, answered in revoked}

    def signed_out(self, row):
        """Whether somebody was told to sign in because the session had been revoked."""
        return row["outcome"] == "signed_out" and row["ended"] >= self.asked.get(row["session"], float("inf"))

    def excuses(self, row):
        """Whether a request was open at a node when that was killed, or its session had been revoked."""
        return self.signed_out(row) or any(row["node"] == node and row["sent"] <= at <= row["ended"] + NOTED_AFTER
                                           for at, node in self.killed)

    def explains(self, stream):
        return (stream["group"] in self.groups or any(stream["node"] == node for _, node in self.killed)
                or stream["ended"] >= self.asked.get(stream["session"], float("inf")))

    def outlived(self, row):
        """Whether a request was served although its session had been revoked long before."""
        return row["outcome"] == "ok" and row["sent"] > self.over.get(row["session"], float("inf")) + REVOKED_WITHIN

    def still_heard(self, stream):
        return stream["heard"] > self.over.get(stream["session"], float("inf")) + CUT_WITHIN


def time_to_recover(requests, done):
    """The longest time after the begin of a fault at which a request was still due that failed or was slow."""
    ends = done.begun[1:] + [float("inf")]
    return max((row["sent"] - at for at, end in zip(done.begun, ends) for row in requests
                if at <= row["sent"] < end and not done.signed_out(row)
                and (row["outcome"] != "ok" or row["ended"] - row["sent"] > SLOW)), default=0.0)


def slowest_start(requests, arrived):
    """What a request waits for: the head of the response; one that nobody may repeat: to reach the origin."""
    return max([row["answered"] - row["sent"] for row in requests if row["kind"] in IDEMPOTENT and row["answered"]]
               + [arrived[row["id"]] - row["sent"] for row in requests if row["id"] in arrived], default=0.0)


def slowest(requests, *kinds):
    return max((row["ended"] - row["sent"] for row in requests if not kinds or row["kind"] in kinds), default=0.0)


def count(requests, streams, notes, done):
    """`notes`: (time, id) per request at the origin that must not be repeated; `done`: a `damage`."""
    failed = [row for row in requests if row["outcome"] != "ok"]
    served = sorted(row["ended"] for row in requests if row["outcome"] == "ok")
    arrivals = collections.Counter(ident for _, ident in notes)
    arrived = {ident: at for at, ident in reversed(notes)}
    given_up = {row["id"]: row["ended"] for row in failed}
    ended = [row for row in streams if row["outcome"] != "open"]
    broken_streams = [row for row in ended if row["outcome"] != "told"]
    return {
        "requests": len(requests),
        "failures": dict(collections.Counter(f"{row['kind']} {row['outcome']}" for row in failed)),
        **{name: sum(row["kind"] == kind for row in failed) for kind, name in PLURALS.items()},
        "failed_elsewhere": sum(not done.excuses(row) for row in failed),
        "signed_out": sum(row["outcome"] == "signed_out" and not done.signed_out(row) for row in requests),
        "served_revoked": sum(map(done.outlived, requests)),
        "streams_revoked": sum(map(done.still_heard, streams)),
        "duplicates": sum(number - 1 for number in arrivals.values()),
        "late_deliveries": sum(1 for at, ident in notes if at > given_up.get(ident, float("inf"))),
        "lost_but_answered": sum(1 for row in requests if row["kind"] not in IDEMPOTENT and row["outcome"] == "ok"
                                 and not arrivals[row["id"]]),
        "streams": len(streams),
        "told_streams": len(ended) - len(broken_streams),
        "broken_streams": len(broken_streams),
        "broken_elsewhere": sum(not done.explains(row) for row in broken_streams),
        "stream_ends": dict(collections.Counter(f"{row['kind']} {row['outcome']} {row['problem']}".strip()
                                                for row in ended)),
        "stream_gap": max((row["gap"] for row in streams), default=0.0),
        # How late the load itself was with a request: its connections were busy, or it did not get the machine.
        "load_lag": max((row["sent"] - row["due"] for row in requests), default=0.0),
        "slowest": slowest(requests),
        "slowest_gets": slowest(requests, "GET"),
        "slowest_posts": slowest(requests, "POST", "upload"),
        "slowest_start": slowest_start(requests, arrived),
        "longest_gap": max((b - a for a, b in zip(served, served[1:])), default=float("inf")),
        "recovery": time_to_recover(requests, done),
    }


def broken(numbers, expect, planned):
    """A line per promise that does not hold; fewer requests than planned, or none served, is one of them."""
    lines = []
    for key, bound in expect.items():
        unit = " s" if key in TIMES else ""
        if key not in ("no_failure", "but") and numbers[key] > bound:
            lines.append(f"{key}: {numbers[key]:.3g}{unit}, promised at most {bound:.3g}{unit}")
    if expect.get("no_failure") and (numbers["failed_elsewhere"] if "but" in expect else numbers["failures"]):
        lines.append(f"no_failure: {numbers['failures']}")
    if numbers["requests"] != planned:
        lines.append(f"requests: {numbers['requests']} instead of the {planned} planned")
    if numbers["lost_but_answered"]:
        lines.append(f"lost_but_answered: {numbers['lost_but_answered']} POSTs answered 200 that no origin got")
    if numbers["victim_share"] is not None and numbers["victim_share"] < 0.1:
        lines.append(f"victim_share: the first victim carried {numbers['victim_share']:.0%} of its group's load, too little")
    return lines
