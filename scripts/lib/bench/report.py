"""What scripts/bench prints: medians, and how Postern stands to the others."""
import collections

measure = collections.namedtuple("measure", "name title digits more targets limit", defaults=((), None))
# `more`: whether more is better. `targets`: (other side, ratio to reach), "better" being the better of nginx and HAProxy.
# `limit`: what must not be exceeded by itself.
MEASURES = [
    measure("requests", "HTTP/1.1, requests/s", 0, True, (("nginx", 1.3), ("haproxy", 1.15))),
    measure("p99", "HTTP/1.1, p99, ms", 2, False, (("better", 1.0),)),
    measure("cpu", "HTTP/1.1, CPU us/request", 1, False, (("nginx", 0.6),)),
    measure("memory", "memory under load, MiB", 1, False),
    measure("h2_requests", "HTTP/2, requests/s", 0, True, (("haproxy", 1.1),)),
    measure("h2_cpu", "HTTP/2, CPU us/request", 1, False, (("haproxy", 1.0),)),
    measure("open_p99", "1,000 requests/s, p99, ms", 2, False, (("better", 1.0),)),
    measure("download", "download, MiB/s", 0, True, (("nginx", 1.25),)),
    measure("upload", "upload, MiB/s", 0, True, (("nginx", 1.45),)),
    measure("new_connections", "TLS connections/s, new", 0, True, (("nginx", 0.95),)),
    measure("new_cpu", "  CPU us/connection", 0, False),
    measure("resumed_connections", "TLS connections/s, resumed", 0, True, (("nginx", 0.95),)),
    measure("resumed_cpu", "  CPU us/connection", 0, False),
    measure("idle", "idle connection, KiB", 1, False, (), 24),
]


def line_of(values):
    return "  ".join(f"{one.name} {values[one.name]:.{one.digits}f}" for one in MEASURES if one.name in values)


def verdict(value, bound, more):
    return "met" if (value >= bound if more else value <= bound) else "missed"


def verdicts(one, values):
    """A text for each target that the sides at hand allow to judge."""
    sign, ours, others = ">=" if one.more else "<=", values["postern"], values
    for name, ratio in one.targets:
        if name == "better" and "nginx" in others and "haproxy" in others:
            other = (max if one.more else min)(others["nginx"], others["haproxy"])
        elif name in others:
            other = others[name]
        else:
            continue
        yield f"{sign} {ratio} x {name}: {verdict(ours, ratio * other, one.more)}"
    if one.limit is not None:
        yield f"{sign} {one.limit}: {verdict(ours, one.limit, one.more)}"


def print_table(medians):
    """`medians`: values by the names of MEASURES, by side."""
    others = [name for name in medians if name != "postern"] if "postern" in medians else []
    print(f"\n{'median':<28}" + "".join(f"{name:>10}" for name in medians) + "".join(f"{'/' + name:>10}" for name in others)
          + ("  target" if others else ""))
    for one in MEASURES:
        values = {name: got[one.name] for name, got in medians.items() if one.name in got}
        if not values:
            continue
        line = f"{one.title:<28}" + "".join(f"{value:>10.{one.digits}f}" for value in values.values())
        # A side that used less than a tick of CPU, or did not grow, allows no ratio.
        line += "".join(f"{values['postern'] / values[name]:>10.2f}" if values[name] > 0 else f"{'-':>10}" for name in others)
        if "postern" in values:
            line += "  " + "; ".join(verdicts(one, values))
        print(line.rstrip())
