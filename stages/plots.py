"""Plots as inline SVG: text stays text, colours are the page's own variables, equal data gives equal bytes."""

import io
import re

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

# Matplotlib wants colours, the page wants its theme's variables: each stand-in below is exchanged in the SVG.
INK, MUTED, LINE = "#010101", "#020202", "#030303"
SERIES = tuple(f"#0400{n:02x}" for n in range(1, 7))
VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line"} | {colour: f"s{n}" for n, colour in enumerate(SERIES, 1)}
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "reviewmill",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.labelcolor": INK,
}
WIDTH = 4.6  # inches: about a phone's width, so that text keeps its size there


def bars(title: str, rows: list[dict]) -> Markup:
    """One metric over recipes, a bar each with its interval, from 0.

    rows: {label, value, low, high, base, baseline} per recipe, the last two None where not measured; `base` is drawn
    as a hollow diamond, `baseline` as a stroke across the bar.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.75 + 0.5 * len(rows)), layout="constrained")
        axes = figure.add_subplot(title=title)
        for y, row in enumerate(rows):
            axes.barh(y, row["value"], height=0.34, color=SERIES[y % len(SERIES)], alpha=0.75)
            axes.plot([row["low"], row["high"]], [y, y], color=INK, linewidth=1.4)
            if row["baseline"] is not None:
                axes.plot([row["baseline"]] * 2, [y - 0.26, y + 0.26], color=INK, linewidth=1.6, linestyle=(0, (2, 1)))
            if row["base"] is not None:
                axes.plot(row["base"], y, marker="D", markersize=6, markerfacecolor="none", color=INK, linestyle="")
            axes.annotate(row["label"], (0, y), (2, 11), textcoords="offset points", va="center")
        axes.set_ylim(len(rows) - 0.6, -0.75)
        axes.set_xlim(left=0)
        axes.set_yticks([])
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        return _svg(figure, f"{title}: " + "; ".join(f"{row['label']} {row['value']:.3f}" for row in rows))


def points(title: str, by: str, series: dict[str, dict[str, dict]]) -> Markup:
    """One metric over parts of the test rows, points with intervals per recipe, in the parts' order by name.

    by: what parts them, as the axis calls it. series: label → part → {value, low, high}.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.6 + 0.17 * len(series)), layout="constrained")
        axes = figure.add_subplot(title=title, xlabel=by)
        names = sorted({name for parts in series.values() for name in parts})
        for n, (label, parts) in enumerate(series.items()):
            aside, colour = 0.1 * (n - (len(series) - 1) / 2), SERIES[n % len(SERIES)]
            xs, of = zip(*((at + aside, parts[name]) for at, name in enumerate(names) if name in parts), strict=True)
            axes.vlines(xs, [one["low"] for one in of], [one["high"] for one in of], color=colour, linewidth=1.4)
            axes.plot(
                xs, [one["value"] for one in of], color=colour, marker="o", markersize=5, linewidth=0.8, label=label
            )
        axes.set_xticks(range(len(names)), [name.replace("_", " ") for name in names])
        axes.set_ylim(bottom=min(0, *(one["low"] for parts in series.values() for one in parts.values())))
        axes.grid(axis="x", visible=False)
        figure.legend(loc="outside lower left")
        return _svg(figure, f"{title} by {by}, for {', '.join(series)}")


def curves(title: str, steps: list[dict], best_step: int) -> Markup:
    """Training and validation loss over steps; the step kept is marked. A loss not taken at a step is left out."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
        axes = figure.add_subplot(title=title, xlabel="step", ylabel="loss")
        for colour, kind in ((SERIES[1], "train"), (SERIES[0], "validation")):
            taken = [(row["step"], row[f"{kind}_loss"]) for row in steps if row.get(f"{kind}_loss") is not None]
            if taken:
                axes.plot(*zip(*taken, strict=True), color=colour, marker="o", markersize=3, label=kind)
        axes.axvline(best_step, color=MUTED, linewidth=0.8, linestyle=":", label=f"kept: step {best_step:,}")
        axes.legend()
        return _svg(figure, f"{title}: train and validation loss over steps, best at {best_step}")


def reliability(title: str, bins: list[dict]) -> Markup:
    """Accuracy over confidence, a point per bin, as large as the bin has rows; on the diagonal a probability is true.

    bins: {low, high, n, confidence, accuracy}, as metrics.calibration gives them.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.1), layout="constrained")
        axes = figure.add_subplot(title=title, xlabel="probability of the label given", ylabel="share that is right")
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
        rows = sum(one["n"] for one in bins)
        for one in bins:
            axes.bar(one["low"], one["accuracy"], one["high"] - one["low"], align="edge", color=SERIES[0], alpha=0.3)
            axes.plot(one["confidence"], one["accuracy"], marker="o", color=SERIES[0], linestyle="",
                      clip_on=False, markersize=3 + 9 * (one["n"] / rows) ** 0.5)  # fmt: skip
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        said = "; ".join(f"{one['confidence']:.2f} → {one['accuracy']:.2f} of {one['n']:,}" for one in bins)
        return _svg(figure, f"{title}: reliability, confidence → accuracy: {said}")


def pareto(metric: str, points: list[dict]) -> Markup:
    """Quality over cost, a point with its interval per contestant; a line joins those that nothing cheaper matches.

    points: {label, kind, seconds, value, low, high, pareto}, the cheapest first. kind: recipe, base or baseline.
    """
    looks = {"recipe": (SERIES[0], "o"), "base": (MUTED, "D"), "baseline": (SERIES[1], "s")}
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.4 + 0.17 * len(points)), layout="constrained")
        axes = figure.add_subplot(title=f"{metric} over cost", xlabel="seconds to train and to answer the test rows")
        front = [(one["seconds"], one["value"]) for one in points if one["pareto"]]
        axes.step(*zip(*front, strict=True), where="post", color=LINE, linewidth=1.4)
        for n, one in enumerate(points, 1):
            colour, marker = looks[one["kind"]]
            axes.plot([one["seconds"]] * 2, [one["low"], one["high"]], color=colour, linewidth=1.2)
            axes.plot(one["seconds"], one["value"], marker=marker, markersize=6, color=colour, linestyle="",
                      markerfacecolor=colour if one["pareto"] else "none", label=f"{n}  {one['label']}")  # fmt: skip
            aside = (6, 3) if n % 2 else (6, -9)  # two points in one place keep a number each
            axes.annotate(str(n), (one["seconds"], one["value"]), aside, textcoords="offset points", fontsize=8)
        axes.set_xscale("log")
        axes.margins(x=0.08)
        axes.xaxis.set_major_formatter(lambda seconds, _: f"{seconds:g}")
        axes.minorticks_off()
        figure.legend(loc="outside lower left")
        said = "; ".join(f"{one['label']} {one['value']:.3f} in {one['seconds']:.1f} s" for one in points)
        return _svg(figure, f"{metric} over seconds: {said}")


def shares(title: str, counts: dict[str, int], unit: str, colour: int) -> Markup:
    """A column per value, as high as its share of all; numbers in order, then other values by name."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
        axes = figure.add_subplot(title=title, xlabel=unit)
        values = sorted(counts, key=lambda value: (not _number(value), _number(value) and float(value), value))
        total = sum(counts.values()) or 1
        for x, value in enumerate(values):
            share = counts[value] / total
            axes.bar(x, share, width=0.62, color=SERIES[colour], alpha=0.75)
            label = f"{share:.1%}" if len(values) < 8 else f"{share:.0%}" if share >= 0.005 else "<1%"
            axes.annotate(label, (x, share), (0, 3), textcoords="offset points", ha="center", fontsize=8)
        axes.set_xticks(range(len(values)), values)
        axes.set_yticks([])
        axes.margins(y=0.15)
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
        return _svg(figure, f"{title}: " + ", ".join(f"{value} {counts[value]:,}" for value in values))


def histogram(title: str, steps: list[dict], unit: str) -> Markup:
    """Rows per step of equal width. steps: {low, high, rows}; the last has no `high`, and is drawn hollow."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.4), layout="constrained")
        axes = figure.add_subplot(title=title, xlabel=unit)
        for step in steps:
            width = steps[0]["high"] - steps[0]["low"] if steps[0]["high"] is not None else 1
            look = {"alpha": 0.75} if step["high"] is not None else {"fill": False, "edgecolor": SERIES[0]}
            axes.bar(step["low"], step["rows"], width=0.9 * width, align="edge", color=SERIES[0], **look)
        if steps:
            last = steps[-1]
            text = f"{last['rows']:,} of {last['low']:,} and more"
            axes.annotate(text, (1, 0.97), xycoords="axes fraction", ha="right", va="top", fontsize=8)
        axes.yaxis.set_major_formatter(lambda rows, _: f"{rows:,.0f}")
        axes.xaxis.set_major_formatter(lambda length, _: f"{length:,.0f}")
        axes.grid(axis="x", visible=False)
        rows = ", ".join(f"from {step['low']:,}: {step['rows']:,}" for step in steps)
        return _svg(figure, f"{title}, rows by {unit}: {rows}")


def _number(value: str) -> bool:
    return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) is not None


def _svg(figure: Figure, label: str) -> Markup:
    """The figure as an <svg> element for an HTML page: no prolog, no metadata, the page's colours, a spoken label."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    drawn = out.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r'\s+xmlns(:xlink)?="[^"]*"', "", drawn)  # an HTML parser knows them
    drawn = re.sub(r' id="[\w.]+_\d+"', "", drawn)  # figure_1, axes_1: once per plot, hence many times per page
    drawn = re.sub(r" font-family: [^;]+;", "", drawn)  # the page's own
    for colour, variable in VARIABLES.items():
        drawn = drawn.replace(colour, f"var(--{variable})")
    return Markup(drawn.replace("<svg", Markup('<svg role="img" aria-label="{}"').format(label), 1))
