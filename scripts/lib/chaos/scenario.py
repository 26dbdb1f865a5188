"""What is done to a cluster and what must hold: TOML in the form of tests/simulation/scenarios, whose files are read as well,
with more under [expect]."""
import dataclasses
import random
import re
import tomllib

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
# What puts an action right that has "for".
UNDO = {"freeze": "thaw", "kill": "restart", "store_down": "store_up", "partition": "heal", "slow": "heal", "skew": "skew"}
ACTIONS = ("kill", "restart", "freeze", "thaw", "drain", "partition", "slow", "heal", "lose", "store_down", "store_up", "skew",
           "crash_actor", "publish", "revoke_session")
# Rates per second, and numbers of streams, unless the file says otherwise.
LOAD = {"gets": 200, "posts": 20, "uploads": 2, "downloads": 4, "sockets": 6, "events": 6}
RATES = ("gets", "posts", "uploads", "downloads")
# Promises with a number, and those with a duration.
COUNTS = ("failed_gets", "failed_posts", "failed_uploads", "failed_downloads", "failed_elsewhere", "signed_out", "duplicates",
          "late_deliveries", "broken_streams", "broken_elsewhere", "served_revoked", "streams_revoked")
TIMES = ("slowest", "slowest_gets", "slowest_start", "longest_gap", "stream_gap", "recovery", "in_force")
# The failures that "no_failure" may leave out.
BUT = ("session_revoked", "node_died")
# What the simulation knows and real processes do not have, or have anyway.
SIMULATED = ("connectors", "capacity")
NODES = ("node-0", "node-1", "node-2")
CRASHABLE = ("store", "audit", "configuration", "tokens", "sessions", "connectors", "authority", "queue")
# Faults that nothing has to be named for.
EVERYWHERE = ("store_down", "store_up", "publish", "revoke_session")


def seconds(text):
    found = re.fullmatch(r"(\d+)(ms|s|m)", str(text))
    if not found:
        raise ValueError(f"'{text}' is no duration")
    return int(found.group(1)) * UNITS[found.group(2)]


@dataclasses.dataclass
class fault:
    """One line of the plan. `at`, `lasts`, `by` in seconds; `lasts` 0: nothing puts it right."""
    at: float
    action: str
    target: str
    lasts: float = 0.0
    by: float = 0.0


class scenario:
    """Raises ValueError for what it does not know: a promise that is misspelt would never be broken."""

    def __init__(self, values, where, seed=1):
        self.name = values.get("name", where)
        self.seed = seed
        self.chance = random.Random(seed)
        self.duration = seconds(values.get("duration", "20s"))
        self.load = {key: values.get(key, otherwise) for key, otherwise in LOAD.items()}
        if "gap" in values and "gets" not in values:
            self.load["gets"] = round(1 / seconds(values["gap"]))
        self.expect = self.promises(values, where)
        self.faults = [self.fault(one, where) for one in values.get("fault", [])]
        known = {"name", "duration", "gap", "fault", "expect", "nodes", *LOAD, *SIMULATED}
        if values.get("nodes", len(NODES)) != len(NODES):
            raise ValueError(f"{where}: there are {len(NODES)} nodes")
        if set(values) - known:
            raise ValueError(f"{where}: {sorted(set(values) - known)} are unknown to real processes")
        late = [one.action for one in self.faults if one.at + one.lasts > self.duration]
        if late:
            raise ValueError(f"{where}: {late} end after the load")

    @staticmethod
    def promises(values, where):
        expect = dict(values.get("expect", {}))
        unknown = set(expect) - {*COUNTS, *TIMES, "no_failure", "but"}
        if expect.get("but", BUT[0]) not in BUT:
            unknown.add(expect["but"])
        if unknown or not expect:
            raise ValueError(f"{where}: promises {sorted(unknown)} are unknown" if unknown else f"{where} promises nothing")
        return {key: seconds(value) if key in TIMES else value for key, value in expect.items()}

    @staticmethod
    def fault(one, where):
        unknown = set(one) - {"at", "action", "target", "for", "by"}
        if one["action"] not in ACTIONS or unknown:
            raise ValueError(f"{where}: {one['action']} {sorted(unknown)} is unknown to real processes")
        return fault(seconds(one.get("at", "0s")), one["action"], one.get("target", "random"), seconds(one.get("for", "0s")),
                     seconds(one.get("by", "0s")))

    def scale(self, rate):
        """So many requests a second in all, in the same proportions."""
        whole = sum(self.load[key] for key in RATES)
        for key in RATES:
            self.load[key] *= rate / whole

    def needs(self, action):
        return any(one.action == action for one in self.faults)

    def events(self, connectors):
        """Everything that happens, in order, as (at, fault); "random" becomes one of the names, by the seed."""
        happens = []
        for one in self.faults:
            names = {"crash_actor": CRASHABLE, "skew": NODES}.get(one.action, connectors)
            target = self.chance.choice(names) if one.target == "random" and one.action not in EVERYWHERE else one.target
            happens.append(dataclasses.replace(one, target=target))
            if one.lasts and one.action in UNDO:
                happens.append(fault(one.at + one.lasts, UNDO[one.action], target))
        return sorted(happens, key=lambda one: one.at)


def read(path, seed=1):
    with open(path, "rb") as file:
        return scenario(tomllib.load(file), str(path), seed)
