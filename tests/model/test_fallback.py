"""A hub that does not answer, over real HTTP on loopback, and what answers instead."""

import asyncio
import errno
import hashlib
import json
import runpy
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from model import BUNDLED, CheckpointError, CheckpointNotFound, HubUnreachable, open_checkpoint
from model.checkpoints.checkpoint import BUNDLED_FOLDER, artefact_version
from model.checkpoints.hub import commits_on_disk
from model.errors import HashMismatch
from model.fallback import open_or_fall_back
from tests.hub_stand_in import StandInHub

REPOSITORY = "owner/vibecheck"
FORGIVEN_BY_THE_SPACE = runpy.run_path(str(Path(__file__).parents[2] / "training" / "space" / "app.py"))["FORGIVEN"]
FIRST, SECOND = "a" * 40, "b" * 40


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub that holds the bundled model under two commits; the second has one file more."""
    with StandInHub() as hub:
        files = {path.name: path.read_bytes() for path in BUNDLED_FOLDER.iterdir()}
        hub.repositories[f"models/{REPOSITORY}"] = {FIRST: files, SECOND: files | {"new.json": b"{}"}}
        use(hub.endpoint, monkeypatch)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield hub


def use(endpoint, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def gone(hub, monkeypatch):
    """Takes the hub off the network."""

    def gone():
        use("http://127.0.0.1:9", monkeypatch)

    return gone


async def answering(source, **options):
    """What answers for a source: its info."""
    async with await open_or_fall_back(source, budget=2048, **options) as classifier:
        assert (await classifier.classify("what a wonderful day")).sentiment == "positive"
        return classifier.info


async def test_a_hub_that_answers_gives_its_model(hub):
    info = await answering(f"{REPOSITORY}@{FIRST}")
    assert (info.source, info.missed, info.fallback) == (f"{REPOSITORY}@{FIRST}", None, "")


async def test_without_the_hub_and_anything_on_disk_the_bundled_model_answers_and_says_so(hub, gone):
    gone()
    info = await answering(f"{REPOSITORY}@{FIRST}")
    assert info.source == BUNDLED
    assert info.fallback == (
        f"I couldn't get {REPOSITORY}@{FIRST} (the hub can't be reached); the bundled model is running instead."
    )


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_hub_in_trouble_is_named_with_its_answer(hub, status):
    hub.status = status
    info = await answering(f"{REPOSITORY}@{FIRST}")
    assert f"(the hub answers with {status}); the bundled model is running instead." in info.fallback


@pytest.mark.parametrize("revision", [FIRST, FIRST[:7]])
async def test_a_commit_on_disk_answers_without_the_hub_and_is_no_fallback(hub, gone, revision):
    await answering(f"{REPOSITORY}@{FIRST}")
    gone()
    info = await answering(f"{REPOSITORY}@{revision}")
    assert (info.source, info.fallback) == (f"{REPOSITORY}@{revision}", "")


async def test_a_commit_on_disk_is_not_asked_for_again(hub):
    await answering(f"{REPOSITORY}@{FIRST}")
    hub.asked.clear()
    await answering(f"{REPOSITORY}@{FIRST[:7]}")
    assert hub.asked == []


async def test_another_revision_on_disk_is_the_last_good_one(hub, gone):
    await answering(f"{REPOSITORY}@{FIRST}")
    gone()
    info = await answering(f"{REPOSITORY}@{SECOND}")
    assert info.source == f"{REPOSITORY}@{FIRST}"
    assert info.fallback == (
        f"I couldn't get {REPOSITORY}@{SECOND} (the hub can't be reached); {REPOSITORY}@{FIRST}, the last good one "
        "on disk, is running instead."
    )


async def test_a_branch_may_have_moved_so_its_copy_on_disk_is_called_one(hub, gone):
    await answering(f"{REPOSITORY}@main")
    gone()
    info = await answering(f"{REPOSITORY}@main")
    assert info.source == f"{REPOSITORY}@{SECOND}"
    assert info.fallback


async def test_a_spoiled_copy_on_disk_is_not_a_good_one(hub, gone, tmp_path):
    await answering(f"{REPOSITORY}@{FIRST}")
    (weights,) = (tmp_path / "cache").rglob("snapshots/*/model.onnx")
    weights.unlink()
    weights.write_bytes(b"spoiled")
    gone()
    assert (await answering(f"{REPOSITORY}@{SECOND}")).source == BUNDLED


@pytest.mark.parametrize(
    "wrong", [{"probabilities": [0.5, 0.25, 0.25]}, {"probabilities": []}], ids=["fails", "no use"]
)
async def test_a_copy_on_disk_that_fails_its_golden_examples_is_not_a_good_one(hub, gone, wrong):
    """It is whole: its hashes are those of its manifest. A reload has refused it once."""
    await answering(f"{REPOSITORY}@{FIRST}")
    files = hub.repositories[f"models/{REPOSITORY}"][SECOND]
    rows = json.loads(files["golden.json"])
    rows[0] |= wrong
    files["golden.json"] = json.dumps(rows).encode()
    manifest = json.loads(files["vibecheck.json"])
    manifest["files"]["golden.json"] = hashlib.sha256(files["golden.json"]).hexdigest()
    manifest["version"] = artefact_version(manifest)
    files["vibecheck.json"] = json.dumps(manifest).encode()
    open_checkpoint(f"{REPOSITORY}@{SECOND}")
    gone()
    assert commits_on_disk(REPOSITORY) == [SECOND, FIRST]
    assert (await answering(f"{REPOSITORY}@{'c' * 40}")).source == f"{REPOSITORY}@{FIRST}"


@pytest.mark.parametrize("source", [f"{REPOSITORY}@{'c' * 40}", "owner/nothing@main", "owner/vibecheck"])
async def test_what_the_hub_does_not_have_is_a_mistake_and_no_fallback(hub, source):
    with pytest.raises(CheckpointNotFound) as raised:
        await open_or_fall_back(source)
    assert source in str(raised.value)


async def test_a_refused_token_is_a_mistake_and_no_fallback(hub):
    hub.status = 403
    with pytest.raises(CheckpointNotFound):
        await open_or_fall_back(f"{REPOSITORY}@{FIRST}")


async def test_a_fetched_artefact_with_wrong_hashes_is_refused(hub):
    hub.repositories[f"models/{REPOSITORY}"][FIRST]["model.onnx"] = b"other weights"
    with pytest.raises(CheckpointError, match="isn't the file this artefact was made with"):
        await open_or_fall_back(f"{REPOSITORY}@{FIRST}")


async def test_a_model_that_is_too_large_is_refused_before_it_is_fetched(hub, monkeypatch):
    monkeypatch.setattr("model.checkpoints.hub.MOST_BYTES", 1_000_000)
    for _ in range(2):
        with pytest.raises(CheckpointError, match=r"has [\d,]+ bytes, and no model of more than 1,000,000 is fetched"):
            await open_or_fall_back(f"{REPOSITORY}@{FIRST}")
    assert not [path for path in hub.asked if "/resolve/" in path and path.endswith("model.onnx")]


async def test_a_folder_that_is_not_there_is_a_mistake_and_no_fallback(tmp_path):
    with pytest.raises(CheckpointNotFound):
        await open_or_fall_back(str(tmp_path / "nowhere"))


async def test_a_space_forgives_a_model_that_is_not_there_and_says_which(hub):
    info = await answering("owner/nothing@main", forgiving=FORGIVEN_BY_THE_SPACE)
    assert info.source == BUNDLED
    assert info.fallback.startswith("I couldn't get owner/nothing@main (")
    assert info.fallback.endswith("); the bundled model is running instead.")


async def test_a_space_does_not_forgive_a_wrong_hash(hub):
    hub.repositories[f"models/{REPOSITORY}"][FIRST]["model.onnx"] = b"other weights"
    with pytest.raises(HashMismatch):
        await open_or_fall_back(f"{REPOSITORY}@{FIRST}", forgiving=FORGIVEN_BY_THE_SPACE)


async def test_a_full_disk_is_said_as_one(hub, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", full)
    with pytest.raises(CheckpointError, match="on this disk: No space left") as raised:
        open_checkpoint(f"{REPOSITORY}@{FIRST}")
    assert not isinstance(raised.value, HubUnreachable)


async def test_a_reload_tries_the_missed_model_again_and_then_nothing_is_missed(hub):
    hub.status = 503
    async with await open_or_fall_back(f"{REPOSITORY}@{FIRST}", budget=2048) as classifier:
        with pytest.raises(HubUnreachable):
            await classifier.reload()
        assert classifier.info.fallback
        hub.status = 0
        await classifier.reload()
        assert (classifier.info.source, classifier.info.fallback) == (f"{REPOSITORY}@{FIRST}", "")


async def test_a_broken_stand_in_is_loaded_anew_as_a_stand_in(hub):
    hub.status = 503
    async with await open_or_fall_back(f"{REPOSITORY}@{FIRST}", budget=2048) as classifier:
        again = await asyncio.to_thread(classifier._worker._supervisor.load)
        assert again.checkpoint.missed == classifier.info.missed


@pytest.mark.parametrize(
    ("source", "kept", "stand_ins"),
    [
        (f"bundled+{REPOSITORY}@{FIRST}", [SECOND, FIRST], [f"bundled+{REPOSITORY}@{SECOND}"]),
        (f"{REPOSITORY}@{FIRST}+multilingual", [], ["bundled+multilingual"]),
        (
            f"{REPOSITORY}@{FIRST}+owner/other@{FIRST}",
            [SECOND, FIRST],
            [
                f"{REPOSITORY}@{FIRST}+owner/other@{SECOND}",
                f"{REPOSITORY}@{SECOND}+owner/other@{FIRST}",
                f"{REPOSITORY}@{SECOND}+owner/other@{SECOND}",
                f"bundled+owner/other@{FIRST}",
                f"bundled+owner/other@{SECOND}",
            ],
        ),
    ],
    ids=["the second", "the first, and none is kept", "both"],
)
async def test_of_two_models_those_that_cannot_be_had_are_others(monkeypatch, source, kept, stand_ins):
    asked = []
    monkeypatch.setattr("model.fallback.commits_on_disk", lambda repository: kept)

    async def opened(source, **_):
        asked.append(source)
        raise HubUnreachable(source, "the hub can't be reached")

    monkeypatch.setattr("model.fallback.Classifier.open", opened)
    with pytest.raises(HubUnreachable):
        await open_or_fall_back(source)
    assert asked == [source, *stand_ins, BUNDLED]


async def test_a_second_model_that_is_not_there_is_a_mistake_and_no_fallback(monkeypatch, tmp_path):
    monkeypatch.setattr("model.checkpoints.checkpoint.MULTILINGUAL_FOLDER", tmp_path)
    with pytest.raises(CheckpointNotFound, match="only comes with the repository"):
        await open_or_fall_back("bundled+multilingual")
