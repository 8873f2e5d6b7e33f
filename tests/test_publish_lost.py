"""A publisher whose every call gets lost, or that is killed: one commit and one tag in the end, whole, never moved.

REVIEWMILL_SEED=<what a run printed> plays the kills again, as far as the machine's own timing allows;
REVIEWMILL_PUBLISH_KILLS says how many the long form takes.
"""

import json
import os
import random
import re
import signal
import subprocess
import time

import pytest
from hub.faults import AFTER, BEFORE
from hub.project import (
    FOLDER,
    Publisher,
    environment,
    lay_out,
    push,
    push_words,
    roll_back,
    roll_back_words,
    tag,
    torn,
    work_on,
)
from hub.server import Hub
from released import FULL

REPO = "mill/places"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A committed project, entered for the length of this module."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("lost") / "project"
        folder.mkdir()
        patch.chdir(folder)
        patch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
        yield lay_out(folder)


@pytest.fixture(scope="module")
def hub():
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def publisher(project, hub):
    publisher = Publisher(hub)
    yield publisher
    publisher.close()


@pytest.fixture
def fresh(hub):
    """The name of a repository that nobody has used, and all faults gone before and after."""
    hub.faults.clear()
    yield f"mill/r{len(hub.store.repos())}"
    hub.faults.clear()


# --- each call, lost before its effect and after it ------------------------------------------------------------------

KINDS = {"503": {"status": 503}, "500": {"status": 500}, "429": {"status": 429, "headers": {"Retry-After": "0"}}}


CHANGES = r"^(POST|PUT|DELETE) "


def sweep(hub: Hub, publisher: Publisher, fresh: str, calls: str, **how: object) -> int:
    """Publish to a new repository for each call of those that the pattern names, and let that one get lost; how many.

    They are counted first; the sweep ends with a publish that its fault did not meet.
    """
    begun = len(hub.requests)
    assert "done" in publisher("push", repo=fresh, folder=FOLDER[FULL])
    made = [call for call in hub.requests[begun:] if re.search(calls, call)]
    for nth in range(1, len(made) + 2):
        hub.faults.clear()
        name, fault = f"{fresh}-{nth}", hub.faults.plant(calls, nth=nth, **how)
        told = publisher("push", repo=name, folder=FOLDER[FULL])
        assert "done" in told, (nth, made[nth - 1 : nth], told)
        repo = hub.repo(name)
        assert [title for _, _, title in repo.log()] == [f"Publish {tag()}", "initial commit"], (nth, made[nth - 1])
        assert repo.tags == {tag(): repo.resolve("main")} and repo.private and not torn(repo)
    assert fault.seen == len(made), "the last round is the one that its fault did not meet"
    return len(made)


@pytest.mark.parametrize("moment", [BEFORE, AFTER])
def test_every_call_of_a_publish_may_be_lost_once(hub, publisher, fresh, moment):
    assert sweep(hub, publisher, fresh, "", moment=moment) > 30


@pytest.mark.parametrize("moment", [BEFORE, AFTER])
@pytest.mark.parametrize("kind", KINDS)
def test_every_call_that_changes_something_may_fail_once(hub, publisher, fresh, kind, moment):
    assert sweep(hub, publisher, fresh, CHANGES, moment=moment, **KINDS[kind]) > 6


@pytest.mark.soak
@pytest.mark.parametrize("moment", [BEFORE, AFTER])
@pytest.mark.parametrize("kind", KINDS)
def test_every_call_of_a_publish_may_fail_once(hub, publisher, fresh, kind, moment):
    assert sweep(hub, publisher, fresh, "", moment=moment, **KINDS[kind]) > 30


@pytest.mark.parametrize("moment", [BEFORE, AFTER])
@pytest.mark.parametrize("calls", [CHANGES, pytest.param("", marks=pytest.mark.soak)], ids=["changes", "all"])
def test_every_call_of_a_rollback_may_be_lost_once(project, hub, publisher, fresh, moment, calls):
    first = tag()
    assert "done" in publisher("push", repo=fresh, folder=FOLDER[FULL])
    work_on(f"weights before a rollback, lost {moment} {calls}")
    assert "done" in publisher("push", repo=fresh, folder=FOLDER[FULL])
    made, nth = [], 0
    while nth <= len(made):
        hub.faults.clear()
        repo, begun = hub.repo(fresh).copied(f"{fresh}-{nth}"), len(hub.requests)
        tags, was, fault = repo.tags, repo.resolve("main"), nth and hub.faults.plant(calls, nth=nth, moment=moment)
        told = publisher("rollback", repo=repo.name, tag=first)
        assert "done" in told, (nth, told)
        assert next(title for _, _, title in repo.log()) == f"Roll back to {first} from {was[:12]}"
        assert len(repo.log()) == 4 and repo.tree() == repo.tree(first), nth
        assert repo.tags == tags | {f"rollback-{was[:12]}": repo.resolve("main")} and not torn(repo)
        made, nth = made or [call for call in hub.requests[begun:] if re.search(calls, call)], nth + 1
    assert len(made) > (1 if calls else 30) and fault.seen >= len(made)


def test_a_hub_that_stays_away_is_a_refusal_and_nothing_is_half_there(hub, publisher, fresh):
    hub.faults.plant("POST .*/commit/", times=99, status=503)
    told = publisher("push", repo=fresh, folder=FOLDER[FULL])
    assert "503" in told["refused"] and "Traceback" not in told["refused"]
    repo = hub.repo(fresh)
    assert [title for _, _, title in repo.log()] == ["initial commit"] and not repo.tags
    hub.faults.clear()
    assert "done" in publisher("push", repo=fresh, folder=FOLDER[FULL])
    assert len(repo.log()) == 2


def test_two_publishers_at_once_make_one_commit(project, hub, fresh):
    one, other = Publisher(hub), Publisher(hub)
    for publisher in (one, other):  # both imported before either begins
        publisher("push", repo=f"{fresh}-warm", folder=FOLDER[FULL])
    lines = json.dumps({"verb": "push", "repo": fresh, "folder": FOLDER[FULL]}) + "\n"
    for publisher in (one, other):
        publisher._process.stdin.write(lines)
        publisher._process.stdin.flush()
    told = [json.loads(publisher._process.stdout.readline()) for publisher in (one, other)]
    one.close(), other.close()
    assert all("done" in answer for answer in told), told
    assert len(hub.repo(fresh).log()) == 2 and len(hub.repo(fresh).tags) == 1


# --- kill -9 ----------------------------------------------------------------------------------------------------------


def killed(hub: Hub, draw: random.Random, words: list[str], seconds: float) -> str:
    """Start a publisher and kill it: after some seconds, or at a call of its, before or after the call's effect.

    What was done to it, in a word.
    """
    started = {"env": environment(hub), "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    how, nth, moment = draw.choice(["time", "call", "call"]), draw.randint(1, 26), draw.choice([BEFORE, AFTER])
    hub.faults.clear()
    with subprocess.Popen(words, **started) as process:
        if how == "time":
            try:
                process.wait(draw.uniform(0.2, seconds))
                return "too late"
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                return "in time"
        left = [nth]

        def kill(call: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                process.send_signal(signal.SIGKILL)
                process.wait()

        hub.faults.before = kill
        if moment == BEFORE:
            hub.faults.plant(nth=nth)  # and the call is as if it had never arrived
        process.wait()
        hub.faults.before = lambda call: None
        hub.faults.clear()
        return f"{moment} its call" if left[0] <= 0 else "too late"


def kill_often(hub: Hub, draw: random.Random, kills: int) -> dict[str, int]:
    """Kill publishers until so many are dead, finishing each release in the end; how they died."""
    began = time.monotonic()
    assert push(hub).returncode == 0
    seconds, repo = time.monotonic() - began, hub.repo(REPO)
    tags, counts, released = dict(repo.tags), {}, [tag()]
    while sum(counts.values()) - counts.get("too late", 0) < kills:
        work_on(f"weights {draw.random()}")
        released.append(tag())
        before, rolls = len(repo.log()), draw.random() < 0.2
        for _ in range(draw.randint(1, 3)):
            how = killed(hub, draw, push_words(), seconds)
            counts[how] = counts.get(how, 0) + 1
            assert len(repo.log()) <= before + 1 and not torn(repo)
        done = push(hub)
        assert done.returncode == 0, done.stderr
        assert len(repo.log()) == before + 1, "a second commit of one release"
        if rolls:
            how = killed(hub, draw, roll_back_words(released[-2]), seconds)
            counts[how] = counts.get(how, 0) + 1
            done = roll_back(hub, released[-2])
            assert done.returncode == 0, done.stderr
            assert len(repo.log()) == before + 2 and repo.tree() == repo.tree(released[-2])
        assert repo.tags.items() >= tags.items(), "a tag that moved"
        tags = repo.tags
    assert not torn(repo) and set(released) <= set(tags)
    titles = [title for _, _, title in repo.log() if title.startswith("Publish ")]
    assert len(titles) == len(set(titles)) == len(released)
    assert not hub.strays
    return counts


@pytest.fixture
def draw() -> random.Random:
    seed = os.environ.get("REVIEWMILL_SEED") or str(random.SystemRandom().randrange(10**9))
    print(f"REVIEWMILL_SEED={seed} plays this again")
    return random.Random(int(seed))


def test_killed_publishers_leave_one_commit_and_one_tag_of_each_release(project, draw):
    hub = Hub()
    kill_often(hub, draw, 6)
    hub.close()


@pytest.mark.soak
def test_a_hundred_killed_publishers(project, draw, record_property):
    hub = Hub()
    counts = kill_often(hub, draw, int(os.environ.get("REVIEWMILL_PUBLISH_KILLS", "100")))
    releases = len([title for _, _, title in hub.repo(REPO).log() if title.startswith("Publish ")])
    print(f"{counts}: {releases} releases, {len(hub.repo(REPO).tags)} tags, torn {torn(hub.repo(REPO))}")
    hub.close()
