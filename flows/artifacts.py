"""What a run shows in the Prefect UI beside its log: the comparison, validation results, pages, how far a node is.

Which files those are is read from the commands in dvc.yaml. The UI renders markdown, so every text is escaped: some of
it may have come from a review. An artifact is never a reason for a run to fail.
"""

import html
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

from prefect import runtime
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate

from stages import table

EVERY = 5  # seconds between two updates of a node's progress
# tqdm's bar without a description, as Trainer draws its own: ` 12%|█▏        | 24/200 [00:01<00:10, 17.1it/s]`
BAR = re.compile(r"\s*(\d{1,3})%\|.*?\| (\d+)/(\d+) \[")

HEAD = "| | expectation | observed | lowest | highest | unit | set at |\n| --- | --- | --- | --- | --- | --- | --- |"


class Progress:
    """A node's progress as an artifact, from the bars among its lines.

    A validation draws a bar too, inside training's; the bar of most steps is the node's.
    """

    def __init__(self, node: str, warn: Callable[..., None]):
        self._node, self._warn = node, warn
        self._steps, self._next, self._made = 0, 0.0, None

    def __call__(self, line: str) -> None:
        """Look at one line; at most one in EVERY seconds reaches the server, the last step always."""
        bar = BAR.match(line)
        if not bar or int(bar[3]) < self._steps:
            return
        self._steps = int(bar[3])
        if time.monotonic() >= self._next or bar[2] == bar[3]:
            self._next = time.monotonic() + EVERY
            self._show(float(bar[1]))

    def _show(self, percent: float) -> None:
        try:
            if self._made is None:
                self._made: UUID = create_progress_artifact(percent, key(f"progress-{self._node}"), text(self._node))
            else:
                update_progress_artifact(self._made, percent)
        except Exception as error:  # whatever the server or the way to it has: the stage goes on
            self._warn("no progress of %s in the UI: %s", self._node, error)
            self._next = time.monotonic() + 60


def publish(commands: dict[str, list[str]], warn: Callable[..., None]) -> None:
    """Send the artifacts of the nodes given, each with the words of its command, to the server of this flow run."""
    made = []
    for what in (comparisons, validations, pages):
        try:
            made += what(commands)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:  # no report as its stage writes it
            warn("no %s in the UI: %s: %s", what.__name__, type(error).__name__, error)
    try:
        with get_client(sync_client=True) as client:
            for kind, name, data, description in made:
                client.create_artifact(
                    ArtifactCreate(
                        type=kind, key=key(name), data=data, description=description, flow_run_id=runtime.flow_run.id
                    )
                )
    except Exception as error:  # whatever the server or the way to it has: the run has ended well or ill without it
        warn("artifacts are missing in the UI: %s", error)


Made = Iterator[tuple[str, str, str, str]]  # type, key, data, description


def comparisons(commands: dict[str, list[str]]) -> Made:
    """The table of results, as `make repro` prints it."""
    for path in _files(commands, "compare", ".json"):
        rows = table.rows(json.loads(path.read_text(encoding="utf-8")))
        cells = [dict(zip(table.HEAD, map(text, row), strict=True)) for row in rows]
        yield "table", path.stem, json.dumps(cells), f"recipes of {text(path)}"


def validations(commands: dict[str, list[str]]) -> Made:
    """What each source's gate found, the unmet first."""
    parts = []
    for path in _files(commands, "validate", ".json"):
        told = json.loads(path.read_text(encoding="utf-8"))
        verdicts = sorted(told["expectations"], key=lambda one: (one["passed"], not one["critical"]))
        met = sum(one["passed"] for one in verdicts)
        parts += [
            f"## {text(path.stem)}: {'passed' if told['passed'] else 'refused'}",
            f"{text(told['rows_in'])} rows, {met} of {len(verdicts)} expectations met",
            "\n".join([HEAD, *(f"| {' | '.join(map(text, _verdict(one)))} |" for one in verdicts)]),
        ]
    if parts:
        yield "markdown", "validation", "\n\n".join(parts), "what the gates of the sources found"


def pages(commands: dict[str, list[str]]) -> Made:
    """Links to the pages that lie on this machine: the comparison, accounts of the data, Data Docs.

    A browser may not open a file:// address from a page of the server; then copy it.
    """
    for node, words in commands.items():
        for word in words:
            path = Path(word) / "index.html" if Path(word).is_dir() else Path(word)
            if path.suffix == ".html" and path.is_file():
                yield "markdown", f"page-{node}", f"[{text(path)}]({path.absolute().as_uri()})", f"page of {text(node)}"


def text(value: object) -> str:
    """A value as markdown that renders as these very characters and nothing else.

    >>> text("<b>*1_2*</b>"), text(None)
    ('&lt;b&gt;\\\\*1\\\\_2\\\\*&lt;/b&gt;', '–')
    """
    plain = "–" if value is None else f"{value:,.10g}" if isinstance(value, float | int) else str(value)
    return re.sub(r"([\\`*_{}\[\]()#+!|~])", r"\\\1", html.escape(" ".join(plain.split()), quote=False))


def key(name: str) -> str:
    """An artifact's key: small letters, digits and dashes.

    >>> key("progress-train@review_generation-full")
    'progress-train-review-generation-full'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _files(commands: dict[str, list[str]], stage: str, ending: str) -> list[Path]:
    """The files with that ending in the commands of a stage's nodes, those that are there."""
    words = [word for node, words in commands.items() if node.partition("@")[0] == stage for word in words]
    return [path for path in map(Path, words) if path.suffix == ending and path.is_file()]


def _verdict(one: dict) -> tuple:
    mark = "met" if one["passed"] else "refused" if one["critical"] else "warning"
    return mark, one["name"], one["observed"], one["bound"]["low"], one["bound"]["high"], one["unit"], one["address"]
