"""Why a node ended badly, read off the last lines of its output: what to tell, where to mend it, what can heal."""

import re

TAIL = 40  # lines that are kept as a cause, where the stage does not say what it refused
_BUSY = re.compile(r"ERROR: (failed to reproduce '[^']*': )?('.*' is busy, it is being blocked|Unable to acquire lock)")
# An error of the network: how a traceback's last line, a refusal's `found` or DVC's own error begins. The same words
# further on in a line may be somebody's text.
_NAMED = (
    r"(\w+\.)*\w*(Connect\w*Error|Disconnected(Error)?|Timeout(Error)?|gaierror|NameResolutionError|ProtocolError|"
    r"IncompleteRead|MaxRetryError|ChunkedEncodingError|ReadError|URLError|HTTPError: (HTTP Error )?(429|50[0234]))\b"
)
_SAID = (
    r"(\[Errno -?\d+\] )?(?i:connection (refused|reset|aborted|timed out)|network is unreachable|no route to host|"
    r"temporary failure in name resolution|name or service not known)"
)
_OFFLINE = re.compile(rf"^(   found |ERROR: (.*? - )?)?({_NAMED}|{_SAID})", re.MULTILINE)
# So do a disk that is full and a quota that is used up, whatever library wrote.
_FULL = re.compile(
    r"^(   found |ERROR: |(\w+\.)*\w*(Error|Exception): ).*"
    r"(No space left on device|Disk quota exceeded|database or disk is full)",
    re.MULTILINE,
)
# Of a mistake in params.yaml, as stages.params and the gates list them.
_ADDRESS = re.compile(r"(?:; |- )((?:sources|bases|pretrained|judges|recipes|publish|flow)\.[\w.@-]+)")
_DVCS_OWN = "ERROR: failed to reproduce"


def cause(tail: list[str], status: int) -> str:
    """What a failed stage said: its refusal, without DVC's line below it; or else all that came last."""
    starts = [place for place, line in enumerate(tail) if line.startswith("refused by ")]
    if starts:
        return "\n".join(line for line in tail[starts[-1] :] if not line.startswith(_DVCS_OWN))
    return "\n".join(tail[-TAIL:]) or f"DVC ended with status {status} and said nothing"


def busy(tail: list[str]) -> bool:
    """Did DVC find its lock or the paths taken by another? Whatever a stage prints, only DVC knows of locks."""
    return any(map(_BUSY.match, tail))


def offline(cause: str) -> bool:
    """Was it the network?"""
    return bool(_OFFLINE.search(cause))


def full(cause: str) -> bool:
    """Was there no room on the disk?"""
    return bool(_FULL.search(cause))


def address(cause: str) -> str:
    """Where to mend it, on one line: what its refusal says, with the addresses that it lists; or else its last line."""
    lines = cause.splitlines()
    if full(cause):
        said = [line.strip() for line in lines if _FULL.search(line) and not line.startswith(_DVCS_OWN)]
        return "; ".join([*said[-1:], "the disk is full: make room and run again; what was there is in DVC's cache"])
    where = next((line.removeprefix("   where ") for line in lines if line.startswith("   where ")), None)
    if where is None:
        return next((line.strip() for line in reversed(lines) if not line.startswith(_DVCS_OWN)), "")
    return "; ".join([where, *(one for one in dict.fromkeys(_ADDRESS.findall(cause)) if one not in where)])
