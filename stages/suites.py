"""What a source's table and a recipe's rows must meet: which expectations there are, and where each bound is set."""

from stages.expectations import Check
from stages.measures import PERSONAL, RATINGS, SCRIPTS
from stages.params import Gate, Model, Range, Validate
from stages.refusal import Refusal

HERE = "stages/suites.py"  # the address of what no setting may loosen, save by naming it a warning
MAYBE = ("rating_drift", "off_language_share")  # asked once a snapshot is accepted; where the script is known


def of_source(rules: Validate, address: str, language: str, accepted: bool) -> list[Check]:
    """The suite that the settings ask for; `address` is where they stand. Refuses expected shares that are all 0."""
    expected = {rating: rules.rating_expected.get(rating, 0.0) for rating in RATINGS}
    if not sum(expected.values()):
        where = f"params.yaml: {address}.rating_expected"
        raise Refusal("expected shares of ratings", "none above 0", where, "give each rating the share it should have")
    found = [
        _between("rows", "rows", None, rules.rows, "rows", f"{address}.rows"),
        _none("unique_id", "id_repeated", "rows that share an id"),
        _none("nonempty_text", "text_empty", "rows without text"),
        _none("rating_known", "rating_unknown", "rows rated otherwise than 1 to 5"),
        _none("duplicate", "duplicate", "rows whose text an earlier row has"),
        _none("group_leakage", "group_straddles", "rows whose group lies in more than one split"),
        _none("markup", "markup", "rows with a tokenizer's or a prompt's own signs"),
        *(_none(f"personal.{what}", what, f"rows with a {what} left in the text") for what in (*PERSONAL, "card")),
        _between("ratings", "distinct", "rating", Range(low=2), "different ratings", HERE),
        Check("rating_divergence", "divergence", "rating", None, rules.rating_divergence, "nats",
              f"{address}.rating_divergence", {r: share / sum(expected.values()) for r, share in expected.items()}),
        _share("loose_duplicate", rules.loose_duplicate_share, "of rows whose letters and digits an earlier row has",
               address),
        _share("truncated", rules.truncated_share, f"of rows over {rules.token_limit} words and marks", address),
    ]  # fmt: skip
    if language in SCRIPTS:
        unit = f"of rows whose letters are mostly not {SCRIPTS[language]}"
        found.append(_share("off_language", rules.off_language_share, unit, address))
    if accepted:
        found.append(_between("rating_drift", "figure", "rating_drift", Range(high=rules.rating_drift),
                              "nats from the last accepted snapshot", f"{address}.rating_drift"))  # fmt: skip
    for rating, bound in sorted(rules.rating_share.items()):
        name = f"rating_share.{rating}"
        found.append(_between(name, "mean", f"rating_{rating}", bound, "of rows", f"{address}.{name}"))
    found += _lengths("chars", rules.chars, "characters", address)
    return found + _lengths("tokens", rules.tokens, "words and marks", address)


def of_recipe(model: Model, gate: Gate, fields: list[str], address: str) -> list[Check]:
    """The suite of a recipe's rows; `address` is the recipe's, `fields` are those that it cuts at a limit of tokens."""
    found = [
        _none("unique_id", "id_repeated", "rows that share an id"),
        _none("group_leakage", "group_straddles", "rows whose group lies in more than one split"),
        _between("rating_imbalance", "figure", "rating_imbalance", Range(high=gate.rating_imbalance),
                 "training rows of the commonest rating to one of the rarest", f"{address}.rows.gate.rating_imbalance"),
        _between("keyword_coverage", "mean", "keyworded", Range(low=gate.keyword_coverage),
                 "of rows with a keyword", f"{address}.rows.gate.keyword_coverage"),
    ]  # fmt: skip
    for field in fields:
        limit = getattr(model, f"{field}_tokens")
        unit = f"of rows cut at {limit} tokens ({address}.model.{field}_tokens)"
        bound, where = Range(high=model.truncated_share), f"{address}.model.truncated_share"
        found.append(_between(f"truncated.{field}", "share", f"{field}_truncated", bound, unit, where))
    found += _lengths("chars", gate.chars, "characters", f"{address}.rows.gate")
    for length in (f"{field}_tokens" for field in fields):
        found += _lengths(length, getattr(gate, length), "tokens", f"{address}.rows.gate")
    return found


def _none(name: str, fault: str, unit: str) -> Check:
    """No row may have this fault."""
    return Check(name, "none", fault, None, 0, unit, HERE)


def _share(fault: str, most: float, unit: str, address: str) -> Check:
    """At most this share of rows may have the fault; the expectation and its setting are named alike."""
    return Check(f"{fault}_share", "share", fault, None, most, unit, f"{address}.{fault}_share")


def _between(name: str, kind: str, column: str | None, bound: Range, unit: str, address: str) -> Check:
    return Check(name, kind, column, bound.low, bound.high, unit, address)


def _lengths(length: str, bounds: dict[str, Range], unit: str, address: str) -> list[Check]:
    """Median, 95th percentile and maximum of one length, those that are bounded."""
    kinds = {"median": ("median", length), "p95": ("figure", f"{length}_p95"), "max": ("max", length)}
    return [
        _between(f"{length}.{what}", *kinds[what], bound, unit, f"{address}.{length}.{what}")
        for what, bound in bounds.items()
    ]
