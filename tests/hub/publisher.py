"""A process that sends a release, or rolls back, for each line of JSON on its standard input; see hub.project.

The stages' own code and the real client, without the seconds that both wait before they try again.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.01))

from stages import confirm, contents, push, rollback  # noqa: E402
from stages.refusal import Refusal  # noqa: E402
from stages.remote import Remote, settled, token  # noqa: E402


def sent(told: dict) -> str:
    """Send the folder to the repository; read all of its files back."""
    laid, stamp = contents.whole(Path(told["folder"])), contents.committed()
    remote = Remote(told["repo"], "model", token())
    said = push.send(push.Sending(remote, laid, stamp, True))
    with tempfile.TemporaryDirectory() as scratch:
        tag = contents.tag(stamp)
        commit = settled(remote, remote.tags)[tag]
        fetched = confirm.listed_and_loaded(remote, tag, commit, True, Path(scratch), [*laid])
        confirm.compare(fetched, contents.stamped(laid, stamp), tag)
    return said


def restored(told: dict) -> str:
    remote = Remote(told["repo"], "model", token())
    made, commit = rollback.restored(remote, told["tag"], True)
    rollback.confirmed(remote, told["tag"], made, commit)
    return made


for line in sys.stdin:
    told = json.loads(line)
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        answer = {"done": {"push": sent, "rollback": restored}[told["verb"]](told)}
    except Refusal as refusal:
        answer = {"refused": str(refusal)}
    sys.stdout = out
    print(json.dumps(answer), flush=True)
