"""The Prefect server as a run sees it: whether it answers, and whether somebody cancelled the run there.

A run does not need it: stages are DVC's, and dvc.lock keeps what they made. When the server stops answering, the run
goes on to its end without it and then says so itself.
"""

import logging
import time

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.context import SettingsContext
from prefect.exceptions import Abort
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

LOOK = 2  # seconds between looks
PATIENCE = 20  # seconds without an answer after which nobody is there; a server that is started anew takes some
# What says of each event that it could not be delivered, every few seconds.
NOISY = "prefect.events.clients", "prefect._internal.concurrency"


class Unrecorded(Abort):
    """A run has ended, and there is no server to tell. As an Abort it leaves Prefect's engine without asking one."""

    def __init__(self, state: State):
        super().__init__(f"{silent()}, so this run's end stands nowhere but here: {state.message}")
        self.state = state


LOST = Unrecorded, httpx.HTTPError  # what a flow that is called ends with once its server does not answer


class Server:
    """The server of one flow run."""

    def __init__(self, run: str, log: logging.LoggerAdapter):
        self._run, self._log = run, log
        self._since = None  # when it first did not answer, of late
        self._told = False
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            self._once = SettingsContext.get()

    def cancelled(self) -> bool:
        """Did somebody cancel the run? Nobody, while there is no answer."""
        state = self._look()
        return state is not None and (state.is_cancelling() or state.is_cancelled())

    def gone(self) -> bool:
        """Is nobody there? Returns once it answers, or has not for PATIENCE."""
        while not self._look():
            if self._told:
                return True
            time.sleep(LOOK)
        return False

    def _look(self) -> State | None:
        try:
            # Prefect's own retries would take a minute, in which no node that is ready starts.
            once = SettingsContext(profile=self._once.profile, settings=self._once.settings)
            with once, get_client(sync_client=True) as client:
                state = client.read_flow_run(self._run).state
        except Exception:  # whatever it or the way to it has: the next look may have an answer
            self._since = self._since or time.monotonic()
            if not self._told and time.monotonic() - self._since > PATIENCE:
                self._told = True
                self._log.warning("%s; the run goes on without it", silent())
                for name in NOISY:
                    logging.getLogger(name).setLevel(logging.CRITICAL)
            return None
        self._since, self._told = None, False
        return state


def silent() -> str:
    """That the server does not answer any more, with its address."""
    url = PREFECT_API_URL.value()
    return f"the Prefect server{f' at {url}' if url else ''} stopped answering"
