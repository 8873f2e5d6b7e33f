"""The front page of a table's Data Docs: every verdict, as the report has it, readable where no script runs."""

import html
from pathlib import Path


def bound_of(low: float | None, high: float | None) -> str:
    """A bound in words.

    >>> bound_of(None, 0.25), bound_of(100, None)
    ('-∞ to 0.25', '100 to ∞')
    """
    return f"{'-∞' if low is None else f'{low:g}'} to {'∞' if high is None else f'{high:g}'}"


def front(name: str, rows: int, verdicts: list[dict], docs: Path) -> str:
    """The front page: each verdict in a row, as the report has it, and links to GX's own pages; needs no script."""
    cells = []
    for one in verdicts:
        state = "passed" if one["passed"] else "failed" if one["critical"] else "warning"
        seen = "nothing" if one["observed"] is None else f"{one['observed']:g}"
        bound = bound_of(one["bound"]["low"], one["bound"]["high"])
        told = (state, one["name"], seen, bound, one["unit"], one["address"])
        cells.append(f"<tr class={state}>" + "".join(f"<td>{html.escape(text)}</td>" for text in told))
    links = sorted(path.relative_to(docs) for path in docs.glob("*/**/*.html"))
    style = (
        "body{font:15px/1.5 sans-serif;margin:2em}td,th{padding:.2em 1em .2em 0;text-align:left}"
        ".passed td:first-child{color:#176b2c}.failed{background:#fbe0de}.warning{background:#fff1cc}"
    )
    heads = "".join(f"<th>{head}" for head in ("", "expectation", "observed", "bound", "unit", "set at"))
    return (
        f"<!doctype html><meta charset=utf-8><title>{html.escape(name)}</title><style>{style}</style>"
        f"<h1>{html.escape(name)}</h1><p>{rows:,} rows, {sum(one['passed'] for one in verdicts)} of {len(verdicts)} "
        f"expectations met.</p><table><tr>{heads}{''.join(cells)}</table><p>Great Expectations' own pages:</p><ul>"
        + "".join(f'<li><a href="{html.escape(str(link))}">{html.escape(link.parts[0])}</a>' for link in links)
        + "</ul>\n"
    )
