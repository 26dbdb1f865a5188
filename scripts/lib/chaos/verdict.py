"""What users and the origin saw, as numbers, and which promises that breaks."""
import collections


def count(results, notes, killed):
    """`results`: (id, due, ended, outcome, node) per request; `notes`: (time, id) per POST at the origin.
    `killed`: numbers of the nodes that the scenario kills: what was open there may fail."""
    failed = [one for one in results if one[3] != 200]
    served = sorted(one[2] for one in results if one[3] == 200)
    arrivals = collections.Counter(ident for _, ident in notes)
    arrived = {ident: at for at, ident in reversed(notes)}
    given_up = {one[0]: one[2] for one in failed}
    return {
        "requests": len(results),
        "failures": dict(collections.Counter(f"{one[0].split('-')[0]} {one[3]}" for one in failed)),
        "failed_gets": sum(one[0].startswith("GET") for one in failed),
        "failed_posts": sum(one[0].startswith("POST") for one in failed),
        "failed_elsewhere": sum(one[4] not in killed for one in failed),
        "duplicates": sum(number - 1 for number in arrivals.values()),
        "late_deliveries": sum(1 for at, ident in notes if at > given_up.get(ident, float("inf"))),
        "lost_but_answered": sum(1 for one in results if one[0].startswith("POST") and one[3] == 200 and not arrivals[one[0]]),
        "slowest": max((one[2] - one[1] for one in results), default=0.0),
        # What a request waits for: a GET for its answer, a POST to reach the origin; from then on nobody may repeat it.
        "slowest_start": max([one[2] - one[1] for one in results if one[0].startswith("GET")]
                             + [arrived[one[0]] - one[1] for one in results if one[0] in arrived], default=0.0),
        "longest_gap": max((b - a for a, b in zip(served, served[1:])), default=float("inf")),
    }


def broken(numbers, expect, planned):
    """A line per promise that does not hold; fewer requests than planned, or none served, is one of them."""
    lines = [f"{key}: {numbers[key]:.3g}, promised at most {bound:.3g}" for key, bound in expect.items()
             if key != "no_failure" and numbers[key] > bound]
    if expect.get("no_failure") and numbers["failures"]:
        lines.append(f"no_failure: {numbers['failures']}")
    if numbers["requests"] != planned:
        lines.append(f"requests: {numbers['requests']} instead of the {planned} planned")
    if numbers["lost_but_answered"]:
        lines.append(f"lost_but_answered: {numbers['lost_but_answered']} POSTs answered 200 that no origin got")
    if numbers["victim_share"] < 0.1:
        lines.append(f"victim_share: the first victim carried {numbers['victim_share']:.0%} of its group's load: nothing was shown")
    return lines
