"""What git says of the repository around the working directory."""

import subprocess


def said(*words: str) -> bytes | None:
    """The output of `git words`; None where there is no git, no repository or no answer."""
    try:
        done = subprocess.run(["git", *words], capture_output=True)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
