"""A PostgreSQL of the test's own: from the Debian package, in a temporary folder, reachable by its socket alone."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "hunter2-secret"


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, of the newest version installed; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def running() -> Iterator[str]:
    """Start it, give its SQLAlchemy address with a password in it, stop it. PostgreSQL will not run as root."""
    with tempfile.TemporaryDirectory(prefix="mill-pg-") as folder:  # short: a socket's path has at most 107 bytes
        home, user = Path(folder), ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if user:
            shutil.chown(home, "postgres")
        secret = home / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)

        def call(program: str, *words: str) -> None:
            told = subprocess.run([*user, programs() / program, *words], cwd=home, capture_output=True, text=True)
            assert told.returncode == 0, told.stdout + told.stderr

        call(
            "initdb",
            "-D",
            f"{home}/data",
            "-U",
            "mill",
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "-N",
            "-E",
            "UTF8",
        )
        options = f"-k {home} -c listen_addresses='' -c fsync=off -c shared_buffers=16MB -c log_min_messages=log"
        call("pg_ctl", "-D", f"{home}/data", "-o", options, "-l", f"{home}/log", "-w", "start")
        try:
            yield f"postgresql+psycopg://mill:{PASSWORD}@/postgres?host={home}"
        finally:
            call("pg_ctl", "-D", f"{home}/data", "-m", "immediate", "stop")
