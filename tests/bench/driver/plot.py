"""Plots as SVG, written by hand: bars and curves that a browser shows in light and dark."""

import html
import math

WIDTH = 760
LEFT, RIGHT, TOP, BOTTOM = 190, 90, 46, 40
COLORS = ["#2f6fde", "#e07b39", "#3a9d5d", "#b0489b", "#8a7a2f", "#5a6b7b", "#c23b3b"]
STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.small { font-size: 11px; fill: #57606a }
.grid { stroke: #d0d7de; stroke-width: 1 }
.back { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9aa4af } .grid { stroke: #3d444d } .back { fill: #0d1117 }
}
</style>"""


def short(value):
    """1234567 -> 1.23 M."""
    for limit, unit in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


def text(x, y, words, anchor="start", kind=""):
    label = html.escape(str(words))
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{label}</text>'


def line(x1, y1, x2, y2):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="grid"/>'


def picture(height, title, parts):
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="{html.escape(title)}">'
    )
    back = f'<rect width="{WIDTH}" height="{height}" class="back"/>'
    return "\n".join([head, STYLE, back, text(16, 26, title, kind="title"), *parts, "</svg>\n"])


def bars(title, unit, rows):
    """`rows`: (label, value). Horizontal bars, from zero."""
    step = 30
    height = TOP + step * len(rows) + BOTTOM
    top = max([value for _, value in rows] or [1]) or 1
    scale = (WIDTH - LEFT - RIGHT) / top
    parts = []
    for index, (label, value) in enumerate(rows):
        y = TOP + index * step
        color = COLORS[0] if label.startswith("relay") else COLORS[5]
        parts.append(text(LEFT - 10, y + 17, label, "end"))
        parts.append(
            f'<rect x="{LEFT}" y="{y + 3}" width="{max(1, value * scale):.1f}" '
            f'height="{step - 10}" fill="{color}" rx="2"/>'
        )
        parts.append(text(LEFT + value * scale + 8, y + 17, short(value)))
    parts.append(text(LEFT, height - 14, unit, kind="small"))
    return picture(height, title, parts)


def curves(title, x_name, y_name, series):
    """`series`: {label: [(x, y), ...]}; x logarithmic, y from zero."""
    height, left, right = 380, 80, 150
    points = [point for line_ in series.values() for point in line_]
    low = math.log10(min(x for x, _ in points))
    high = max(math.log10(max(x for x, _ in points)), low + 1)
    top = max(y for _, y in points) * 1.1

    def at(x, y):
        wide = (WIDTH - left - right) / (high - low)
        return left + (math.log10(x) - low) * wide, height - 60 - y * (height - 120) / top

    parts = []
    for step in range(6):
        y = top * step / 5
        parts.append(line(left, at(10**low, y)[1], WIDTH - right, at(10**low, y)[1]))
        parts.append(text(left - 8, at(10**low, y)[1] + 4, short(y), "end", "small"))
    for power in range(math.ceil(low), math.floor(high) + 1):
        x = at(10**power, 0)[0]
        parts.append(line(x, 60, x, height - 60))
        parts.append(text(x, height - 42, f"{10**power:,}", "middle", "small"))
    for index, (label, line_) in enumerate(series.items()):
        color = COLORS[index % len(COLORS)]
        places = [at(x, y) for x, y in line_]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"/>' for x, y in places]
        parts.append(text(places[-1][0] + 10, places[-1][1] + 4, label))
    parts.append(text((left + WIDTH - right) / 2, height - 20, x_name, "middle", "small"))
    parts.append(text(left - 60, 50, y_name, kind="small"))
    return picture(height, title, parts)
