"""What a manifest says of languages is checked before anything is loaded, and so is how two models are joined."""

import json

import pytest

from model.checkpoints import checkpoint as checkpoint_module
from model.checkpoints.checkpoint import MANIFEST, open_checkpoint
from model.checkpoints.joint import joint, sources_in
from model.errors import CheckpointError, CheckpointNotFound, HashMismatch
from tests.model.spoiling import seal
from tests.model.two_models import LANGUAGES, with_languages


def test_the_bundled_model_is_one_for_english_alone():
    assert open_checkpoint().languages == {}


def test_a_manifest_says_for_which_languages_it_was_released(small_model, tmp_path):
    found = with_languages(small_model.int8, tmp_path / "model", LANGUAGES)
    alone = open_checkpoint(str(small_model.int8))
    assert found.languages == LANGUAGES
    assert list(found.languages) == list(LANGUAGES)
    assert found.version != alone.version
    assert found.sha256 != alone.sha256
    assert found.fingerprint() != alone.fingerprint()


def test_another_temperature_of_a_language_is_another_model(small_model, tmp_path):
    one = with_languages(small_model.int8, tmp_path / "one", {"es": 1.0})
    other = with_languages(small_model.int8, tmp_path / "other", {"es": 1.1})
    assert one.version != other.version


def test_languages_that_were_changed_after_the_export_are_found_out(small_model, tmp_path):
    with_languages(small_model.int8, tmp_path / "model")
    file = tmp_path / "model" / MANIFEST
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"languages": {"es": 9.0}}), "utf-8")
    with pytest.raises(HashMismatch):
        open_checkpoint(str(tmp_path / "model"))


@pytest.mark.parametrize(
    "said",
    [
        {},
        [],
        ["es"],
        "es",
        7,
        {"spanish": 1.0},
        {"ES": 1.0},
        {"e": 1.0},
        {"es\n": 1.0},
        {"es": 0},
        {"es": -1.0},
        {"es": "1"},
        {"es": None},
        {"es": True},
        {"es": 1e9},
        {"es": float("nan")},
        {"es": float("inf")},
        {"es": 10**400},
        {f"{chr(97 + one)}{chr(97 + two)}": 1.0 for one in range(26) for two in range(3)},
    ],
    ids=lambda said: repr(said)[:24],
)
def test_nonsense_is_one_sentence(artefact, said):
    file = artefact / MANIFEST
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"languages": said}), "utf-8")
    seal(artefact)
    with pytest.raises(CheckpointError, match="no usable languages"):
        open_checkpoint(str(artefact))


def test_a_folder_that_training_wrote_may_say_it_too(plain_folder):
    config = json.loads((plain_folder / "config.json").read_text("utf-8"))
    (plain_folder / "config.json").write_text(json.dumps(config | {"calibration_languages": {"es": 1.5}}), "utf-8")
    assert open_checkpoint(str(plain_folder)).languages == {"es": 1.5}


def test_where_the_multilingual_model_is_not_it_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint_module, "MULTILINGUAL_FOLDER", tmp_path / "multilingual")
    with pytest.raises(CheckpointNotFound, match=r"only comes with the repository, in model/multilingual\.") as told:
        open_checkpoint("multilingual")
    assert "from a clone after make, or name the folder: MODEL=bundled+/path/to/clone/model/multilingual" in str(
        told.value
    )


def test_the_multilingual_model_is_found_by_its_name(small_model, tmp_path, monkeypatch):
    with_languages(small_model.int8, tmp_path / "model")
    monkeypatch.setattr(checkpoint_module, "MULTILINGUAL_FOLDER", tmp_path / "model")
    assert open_checkpoint("multilingual").languages.keys() == LANGUAGES.keys()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("bundled", ("bundled",)),
        ("bundled+multilingual", ("bundled", "multilingual")),
        ("bundled + multilingual", ("bundled", "multilingual")),
        ("bundled+me/it@1a2b3c4", ("bundled", "me/it@1a2b3c4")),
    ],
)
def test_one_model_or_two(source, found):
    assert sources_in(source) == found


@pytest.mark.parametrize("source", ["+", "bundled+", "+bundled", "a+b+c", "bundled++multilingual", " + ", "a\0+b+c"])
def test_more_or_less_than_two_is_one_sentence(source):
    with pytest.raises(CheckpointNotFound, match="two joined by a"):
        sources_in(source)


def test_a_folder_may_have_a_plus_in_its_name(tmp_path):
    folder = tmp_path / "c++"
    folder.mkdir()
    assert sources_in(str(folder)) == (str(folder),)
    assert sources_in(f"bundled+{folder}") == ("bundled", str(folder))
    assert sources_in(f"{folder}+multilingual") == (str(folder), "multilingual")


def test_of_two_each_language_is_the_firsts_that_reads_it(small_model, tmp_path):
    first = open_checkpoint(str(small_model.int8))
    second = with_languages(small_model.int8, tmp_path / "model", {"en": 3.0, "es": 2.0})
    both = joint(first, second)
    assert both.languages == {"en": first.temperature, "es": 2.0}
    assert both.source == f"{first.source}+{second.source}"
    assert both.version == f"{first.version}+{second.version}"
    assert both.sha256 not in (
        first.sha256,
        second.sha256,
        joint(second, with_languages(small_model.int8, tmp_path / "third", {"fr": 1.0})).sha256,
    )
