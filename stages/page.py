"""The account of a source as one HTML page: no script, nothing fetched, every text of it escaped."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages import plots
from stages.differences import differences


def page(name: str, told: dict, reports: dict[str, dict], rows: dict[str, dict]) -> str:
    """The account as one HTML page; all text in it is escaped. rows: stage → what `rejects.examples` gave of it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"count": "{:,}".format, "percent": _percent}
    before, after = told["ratings"]["before"], told["ratings"]["after"]
    histogram = told["lengths"]["characters"]["histogram"]
    return environment.get_template("account.html.jinja").render(
        name=name,
        told=told,
        reports=reports,
        rows=rows,
        figures=[
            plots.shares("Ratings as they came", before, "rating in the source", 1),
            plots.shares("Ratings of the rows kept", after, "stars", 0),
            plots.histogram("Lengths of the rows kept", histogram, "characters"),
        ],
        differences=differences,
    )


def _percent(share: float) -> str:
    """A share as a percentage that never rounds to all or nothing what is neither.

    >>> _percent(1.0), _percent(0.99999), _percent(0.00001), _percent(0.1234)
    ('100%', '>99.9%', '<0.1%', '12.3%')
    """
    if share in (0, 1):
        return f"{share:.0%}"
    return "<0.1%" if share < 0.001 else ">99.9%" if share > 0.999 else f"{share:.1%}"
