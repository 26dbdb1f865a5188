"""The plot of scripts/bench --growth as SVG, without any library."""
import math

WIDTH, HEIGHT, LEFT, TOP, GAP = 260, 150, 64, 40, 110
REQUESTS, MEMORY = "#1f6f9f", "#b5541c"
TITLES = {"applications": "published applications", "connectors": "connectors (2 tunnels each)", "connections": "user connections"}


def text(x, y, content, anchor="middle", color="#333", size=11):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{color}" font-size="{size}">{content}</text>'


def line(points, color):
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>{dots}'


def panel(name, steps, left):
    """Requests/s on the left axis, memory on the right one, both from zero; steps by their logarithm."""
    counts = sorted(steps)
    span = math.log10(counts[-1] / counts[0]) or 1
    place = {count: left + WIDTH * math.log10(count / counts[0]) / span for count in counts}
    bottom = TOP + HEIGHT
    parts = [f'<rect x="{left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#bbb"/>',
             text(left + WIDTH / 2, TOP - 14, TITLES[name], size=13)]
    parts += [text(place[count], bottom + 16, f"{count:,}") for count in counts]
    for what, color, side, anchor in (("requests", REQUESTS, left - 6, "end"), ("memory", MEMORY, left + WIDTH + 6, "start")):
        most = max(steps[count][what] for count in counts) or 1
        parts.append(line([(place[count], bottom - 0.9 * HEIGHT * steps[count][what] / most) for count in counts], color))
        parts.append(text(side, bottom + 4, "0", anchor, color))
        parts.append(text(side, bottom - 0.9 * HEIGHT + 4, f"{most:,.0f}", anchor, color))
    return "\n".join(parts)


def growth(results):
    """`results`: by measure, by step: requests and memory."""
    results = {name: {int(count): values for count, values in steps.items()} for name, steps in results.items()}
    width = LEFT + len(results) * (WIDTH + GAP)
    panels = [panel(name, steps, LEFT + number * (WIDTH + GAP)) for number, (name, steps) in enumerate(results.items())]
    legend = text(LEFT, TOP + HEIGHT + 40, "requests/s", "start", REQUESTS) + text(LEFT + 90, TOP + HEIGHT + 40, "memory of the node, MiB",
                                                                                     "start", MEMORY)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{TOP + HEIGHT + 56}" font-family="sans-serif">\n'
            '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join([*panels, legend]) + "\n</svg>\n")
