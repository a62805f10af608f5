"""What the owner reads of a release; tests/discord/test_model_release.py has whole ones."""

import pytest

from bot.commands.model_release import go_back, release, status_words
from bot.domain.model_release import Release, ReleaseState
from bot.domain.shards import Cluster
from bot.storage.database import Database
from bot.storage.model_releases import ModelReleases, Progress
from model import ModelInfo, ReloadRefused
from model.checkpoints.checkpoint import Missed

NOW = 1_800_000_000
STATES = {
    ReleaseState.WANTED: "org/name@1a2b: loading and checking it: 1 of 3 processes have it ready",
    ReleaseState.CHECKING: "org/name@1a2b: loading and checking it: 1 of 3 processes have it ready",
    ReleaseState.CANARY: "org/name@1a2b: trying it on 10% of the servers",
    ReleaseState.ACTIVE: f"org/name@1a2b answers everywhere, since <t:{NOW - 5}:R>",
    ReleaseState.REFUSED: f"org/name@1a2b was refused <t:{NOW - 5}:R>. CLUSTER=1/3 on here: It can't.",
}


def a_release(state, version=""):
    reason = "CLUSTER=1/3 on here: It can't." if state is ReleaseState.REFUSED else ""
    changed = (NOW - 5) * 1000
    return Release(
        1,
        "org/name@1a2b",
        "",
        version,
        "bundled",
        "",
        rollback=False,
        state=state,
        reason=reason,
        asked=0,
        changed=changed,
    )


@pytest.mark.parametrize("state", ReleaseState)
def test_the_status_says_how_far_it_is(state):
    assert status_words(Progress(a_release(state), 1, 3), NOW) == STATES[state]


def test_the_status_names_the_version_and_says_when_there_was_none():
    said = status_words(Progress(a_release(ReleaseState.ACTIVE, "abc"), 3, 3), NOW)
    assert said.startswith("org/name@1a2b (abc) answers everywhere")
    assert status_words(None, NOW).startswith("none yet")


@pytest.fixture
async def releases(new_postgres_url, tmp_path):
    database = await Database.open(tmp_path, new_postgres_url)
    yield ModelReleases(database, Cluster(0, 1))
    await database.close()


def refusing(releases, said):
    """Somebody has it refused as soon as it is told how far it is."""

    async def report(number):
        async with releases._database.write() as connection:
            await connection.exec_driver_sql("UPDATE model_release SET state = 'refused', reason = 'No.'")
        return await ModelReleases.progress(releases, number)

    async def progress(number=0):
        found = await ModelReleases.progress(releases, number)
        return await report(number) if said else found

    return progress


INFO = ModelInfo("v", "bundled", "onnxruntime", "cpu", (), {}, missed=Missed("org/name@1a2b", "it is away"))


async def test_what_is_asked_for_without_a_source_is_what_should_be_running(releases, monkeypatch):
    said = []
    monkeypatch.setattr(releases, "progress", refusing(releases, said))
    with pytest.raises(ReloadRefused, match=r"^No\.$"):
        await release(releases, "", INFO, said.append)
    assert said == ["loading and checking it: 0 of 0 processes have it ready"]
    (asked,) = await releases.since(1)
    assert (asked.source, asked.before_source) == ("org/name@1a2b", "bundled")
    with pytest.raises(ReloadRefused, match="none has been released"):
        await go_back(releases, said.append)
