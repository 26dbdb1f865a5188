"""What is done to a cluster and what must hold: TOML in the form of tests/simulation/scenarios, with more under [expect]."""
import dataclasses
import re
import tomllib

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
ACTIONS = ("kill", "freeze", "thaw", "restart", "drain", "store_down", "store_up")
PROMISES = ("failed_gets", "failed_posts", "failed_elsewhere", "duplicates", "late_deliveries", "slowest", "slowest_start",
            "longest_gap", "no_failure")


def seconds(text):
    found = re.fullmatch(r"(\d+)(ms|s|m)", text)
    if not found:
        raise ValueError(f"'{text}' is no duration")
    return int(found.group(1)) * UNITS[found.group(2)]


@dataclasses.dataclass
class fault:
    """One line of the plan: `at` in seconds after the load has begun, `lasts` 0 if nothing puts it right."""
    at: float
    action: str
    target: str
    lasts: float


class scenario:
    """Raises ValueError for what it does not know: a promise that is misspelt would never be broken."""

    def __init__(self, path):
        with open(path, "rb") as file:
            values = tomllib.load(file)
        self.name = values["name"]
        self.duration = seconds(values.get("duration", "20s"))
        self.gets, self.posts = values.get("gets", 200), values.get("posts", 20)
        self.expect = dict(values.get("expect", {}))
        unknown = set(self.expect) - set(PROMISES)
        if unknown or not self.expect:
            raise ValueError(f"{path}: promises {sorted(unknown)} are unknown" if unknown else f"{path} promises nothing")
        for key in ("slowest", "slowest_start", "longest_gap"):
            if key in self.expect:
                self.expect[key] = seconds(self.expect[key])
        self.faults = [fault(seconds(one["at"]), one["action"], one.get("target", "random"), seconds(one.get("for", "0s")))
                       for one in values.get("fault", [])]
        wrong = [one.action for one in self.faults if one.action not in ACTIONS]
        if wrong:
            raise ValueError(f"{path}: actions {wrong} are unknown to real processes")
