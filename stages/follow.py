"""Follow a card: run the code that it shows, as it stands, and print what it answers as JSON.

Run by stages.confirm, as `python -m stages.follow README.md`, with the environment of one who has only the card: the
code loads what it names from the Hub.

Reads   the card; HF_TOKEN, HF_ENDPOINT, HF_HOME
Writes  nothing
Params  seed, numerics
"""

import json
import re
from pathlib import Path

from stages import params
from stages.numerics import settle
from stages.refusal import Refusal, run

CODE = re.compile(r"^(`{3,})python\n(.*?)^\1$", re.M | re.S)


def main(card: str) -> None:
    settings = params.load()
    settle(settings.numerics, settings.seed)  # as the answer on the card was made
    found = CODE.search(Path(card).read_text("utf-8"))
    if found is None:
        raise Refusal("code in the card", "none", card, "see stages/use.py.jinja")
    told: dict = {}
    exec(compile(found[2], card, "exec"), told)
    print(json.dumps(str(told["answer"]) if "answer" in told else None))


if __name__ == "__main__":
    run(main)
