"""Cards, which are Markdown: their templates, and other people's text in them, which stays text whatever it holds."""

import html
import json
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from stages.table import interval, number

SIGNS = re.compile(r"[\\`*_\[\]|~{}#]")


def fenced(text: str, kind: str = "text") -> str:
    """Text as a code block whose fence is longer than any run of backticks in it, so it cannot get out.

    >>> fenced("a ``` b")
    '````text\\na ``` b\\n````'
    """
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{kind}\n{text}\n{fence}"


def plain(text: str) -> str:
    """Text inside a line or a table's cell: no markup of HTML or Markdown in it works, and it stays in its line.

    >>> plain("<b> | `{{ 7 * 7 }}`")
    '&lt;b&gt; \\\\| \\\\`\\\\{\\\\{ 7 \\\\* 7 \\\\}\\\\}\\\\`'
    """
    return SIGNS.sub(r"\\\g<0>", html.escape(" ".join(text.split()), quote=False))


def literal(text: str) -> str:
    """Text as a literal of Python's, in double quotes: JSON's escapes are all Python's as well.

    >>> print(literal('say "no" ``` {{ 1 }}'))
    "say \\"no\\" ``` {{ 1 }}"
    """
    return json.dumps(text, ensure_ascii=False)


def template(name: str) -> Template:
    """A page of this folder, with filters that keep other people's text text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {
        "fenced": fenced,
        "plain": plain,
        "number": number,
        "interval": interval,
        "literal": literal,
    }
    return environment.get_template(name)
