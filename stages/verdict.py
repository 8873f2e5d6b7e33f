"""Which contestant to use, in one line of plain words: never one whose gain over something cheaper may be chance."""

from stages.significance import LOWER_IS_BETTER
from stages.table import number

SURE = 0.05  # of Holm's adjusted p


def verdict(contest: dict) -> tuple[str, str]:
    """The contestant to use and why. contest: as contest.contests makes it, its contestants the cheapest first.

    Worth its cost is what gains beyond chance over everything that costs less; of those the dearest is used.
    """
    metric, ordered = contest["headline"], contest["contestants"]
    sign = -1 if metric in LOWER_IS_BETTER else 1
    gaps = {}
    for pair in contest["pairs"]:
        if pair["metric"] == metric:
            gaps[pair["a"], pair["b"]] = (sign * pair["difference"], pair["holm"])
            gaps[pair["b"], pair["a"]] = (-sign * pair["difference"], pair["holm"])

    where = f"On {contest['rows']:,} test rows of {contest['source']}"
    if not gaps and len(ordered) > 1:
        return (
            "",
            f"{where} nothing can be said: {metric} has no value for each row, and no way to take it again from rows.",
        )

    def good(one: dict) -> float:
        return sign * one["figures"][metric]["value"]

    def gains(one: dict, other: dict) -> bool:
        gap, p = gaps[one["name"], other["name"]]
        return gap > 0 and p < SURE

    def shown(one: dict) -> str:
        return f"{one['name']} ({metric} {number(one['figures'][metric]['value'])})"

    def p_of(one: dict, other: dict) -> str:
        p = gaps[one["name"], other["name"]][1]
        return "p below 0.001" if p < 0.001 else f"p {p:.3f}"

    worth = [one for n, one in enumerate(ordered) if all(gains(one, cheaper) for cheaper in ordered[:n])]
    winner = worth[-1]
    said = {
        "baseline": f"{where} a cheap baseline wins: {shown(winner)}",
        "base": f"{where} no training has paid: use {shown(winner)}",
        "recipe": f"{where} use {shown(winner)}",
    }[winner["kind"]]
    if cheaper := ordered[: ordered.index(winner)]:
        second = max(cheaper, key=good)
        said += f", better than {shown(second)}, the best of what costs less ({p_of(winner, second)})"
    better = [one for one in ordered if good(one) > good(winner)]
    if not better and winner["kind"] != "recipe":
        nearest = max((one for one in ordered if one["kind"] == "recipe"), key=good)
        return winner[
            "name"
        ], f"{said}. No recipe scores higher: {shown(nearest)} comes nearest ({p_of(winner, nearest)})."
    if not better:
        return winner["name"], f"{said}. Nothing scores higher."
    best = max(better, key=good)
    if not gains(best, winner):
        return winner["name"], f"{said}. What {shown(best)} has more may be chance ({p_of(best, winner)})."
    between = next(one for one in ordered[: ordered.index(best)] if not gains(best, one))
    return winner["name"], (
        f"{said}. {shown(best)} is better ({p_of(best, winner)}), but what it has more than {shown(between)}, which "
        f"costs less, may be chance, and that one's own gain over what costs less still may be chance too."
    )
