"""Who is told: a webhook that Prefect's server calls when a run of a deployment fails, or a retraining ends.

REVIEWMILL_WEBHOOK holds its address. It is read here and nowhere else, and kept by the server among its secrets, so it
stands in no param, no log and no commit. What is sent is `{"text": …}`, which Slack and Mattermost show as it is.

`python -m flows.notify` applies this to the server at PREFECT_API_URL, and so does `make ui`. Set but empty,
REVIEWMILL_WEBHOOK ends the notifications; not set at all, it leaves them as they are.
"""

import os
import sys
from urllib.parse import urlsplit

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.actions import CallWebhook
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

ADDRESS = "REVIEWMILL_WEBHOOK"
BLOCK = "reviewmill"
WORDS = "event.payload.items() | map('join', ' ') | join(', ')"
RETRAIN = {"prefect.resource.id": "reviewmill.retrain"}

# The name of a notification, its trigger, and its text as an expression that the server fills in.
NOTICES = {
    "reviewmill-failed": (
        EventTrigger(
            # The state of a run of any deployment; a run that somebody started by hand is seen by who started it.
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related={"prefect.resource.role": "deployment"},
            expect={f"prefect.flow-run.{state}" for state in ("Failed", "Crashed", "TimedOut")},
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
        ),
        "deployment.name ~ '/' ~ flow_run.name ~ ' ' ~ flow_run.state.name ~ ': ' ~ flow_run.state.message"
        " ~ ' ' ~ (flow_run | ui_url or '')",
    ),
    "reviewmill-refused": (
        EventTrigger(match=RETRAIN, expect={"reviewmill.retrain.refused"}, posture=Posture.Reactive),
        f"'challenger refused: ' ~ {WORDS}",
    ),
    "reviewmill-promoted": (
        EventTrigger(match=RETRAIN, expect={"reviewmill.retrain.promoted"}, posture=Posture.Reactive),
        f"'challenger promoted: ' ~ {WORDS}",
    ),
}


def apply(address: str | None) -> str:
    """Bring the server's notifications to what is declared here, and say what that was."""
    if address is None:
        return f"notifications: as they were ({ADDRESS} is not set)"
    with get_client(sync_client=True) as client:
        if not address:
            for name in NOTICES:
                for automation in client.read_automations_by_name(name):
                    client.delete_automation(automation.id)
            return f"notifications: none ({ADDRESS} is empty)"
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            # The address itself is a secret even when it is wrong.
            raise ValueError(f"{ADDRESS}: expected http://… or https://…, found something else")
        block = Webhook(url=address)
        block.save(BLOCK, overwrite=True)
        for name, (trigger, text) in NOTICES.items():
            payload = f'{{"text": {{{{ ({text}) | tojson }}}}}}'
            action = CallWebhook(block_document_id=block._block_document_id, payload=payload)
            _write(client, AutomationCore(name=name, trigger=trigger, actions=[action]))
    return f"notifications: {', '.join(NOTICES)}"


def _write(client: SyncPrefectClient, wanted: AutomationCore) -> None:
    """One automation of this name, whatever there was before; one that somebody switched off stays off."""
    first, *others = client.read_automations_by_name(wanted.name) or [None]
    for other in others:
        client.delete_automation(other.id)
    if first:
        # The client sends only what was set by name; the server needs the defaults too, and takes no owner any more.
        whole = wanted.model_dump(exclude={"owner_resource"}) | {"enabled": first.enabled}
        client.update_automation(first.id, AutomationCore.model_validate(whole))
    else:
        client.create_automation(wanted)


def main() -> None:
    """Apply to the server at PREFECT_API_URL."""
    try:
        print(apply(os.environ.get(ADDRESS)))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
