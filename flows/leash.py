"""A command that does not outlive who started it: when that process is gone, even by a kill -9, so is all its group.

`python -I -S leash.py GRACE COMMAND ...` leads a process group and has a pipe as its standard input, whose other end
only the starter holds: its end of file is the starter's death. A stage that is left over would write into its outputs
beside the next run, and a kill -9 leaves the starter no time to stop it; the system's own PR_SET_PDEATHSIG would reach
DVC and not the stage below it. One of these runs with each node, so it imports next to nothing.
"""

import _thread
import os
import signal
import sys
import time

orphaned = False


def run(grace: float, command: list[str]) -> int:
    """The exit status of `command`, as a shell has it."""
    signal.signal(signal.SIGINT, lambda *_: None)  # it is for the command; were it ignored here, it would be there too
    try:
        child = os.posix_spawnp(
            command[0], command, os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
            setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ],
        )  # fmt: skip
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    _thread.start_new_thread(watch, (grace,))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if orphaned:
        os.killpg(0, signal.SIGKILL)  # what the command left behind
    return 128 - status if status < 0 else status


def watch(grace: float) -> None:
    """End the group once the starter is gone. SIGINT first: DVC then waits for its stage and releases its locks."""
    global orphaned
    os.read(0, 1)
    orphaned = True
    os.killpg(0, signal.SIGINT)
    time.sleep(grace)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
