"""Put first on PYTHONPATH: the process is killed at its DIES_AT-th seal of a checkpoint, as `kill -9` would do it."""

import os
import pathlib
import signal

_left = int(os.environ["DIES_AT"])
_replace = pathlib.Path.replace


def _dying(self, target):
    global _left
    moved = _replace(self, target)
    if pathlib.Path(target).name == "sealed.json":
        _left -= 1
        if not _left:
            os.kill(os.getpid(), signal.SIGKILL)
    return moved


pathlib.Path.replace = _dying
