"""A phase that is interrupted goes on; another run never inherits its state."""

import json
import resource
import signal
import warnings
from dataclasses import replace

import pytest
from datasets import Dataset
from safetensors.numpy import load_file

from training import train as phases
from training.checkpointing import read_record
from training.errors import DataError, Interrupted, SavingFailed
from training.recipe import Source
from training.train import PhaseTrainer, run_phase

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def run(phase, tmp_path, monkeypatch):
    """Trains into one folder; returns the state each run started from, None for a fresh start."""
    started_from = []
    train = PhaseTrainer.train

    def watched(self, resume_from_checkpoint=None, **given):
        started_from.append(resume_from_checkpoint)
        return train(self, resume_from_checkpoint=resume_from_checkpoint, **given)

    monkeypatch.setattr(PhaseTrainer, "train", watched)

    def run(**changes):
        run_phase(replace(phase.recipe, **changes), str(phase.base), phase.data, tmp_path)
        return started_from

    return run


@pytest.fixture
def interrupted(run, monkeypatch):
    """A run that was stopped after its training, before anything was written."""

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, warnings.catch_warnings():
        patch.setattr(phases, "fit_temperature", stop)
        with pytest.raises(Interrupted, match="the same command continues from there"):
            run()
    return run


def test_an_interrupted_run_goes_on_from_its_last_state(interrupted, tmp_path):
    assert not (tmp_path / "training.json").exists()
    first, second = interrupted()
    assert first is None
    assert second is not None
    assert (tmp_path / "training.json").exists()


def test_a_run_of_another_recipe_starts_afresh_and_what_was_there_is_kept(interrupted, tmp_path, caplog):
    states = {path.name for path in (tmp_path / "trainer").glob("checkpoint-*")}
    assert interrupted(learning_rate=2e-3) == [None, None]
    assert "holds states of a run with another recipe" in caplog.text
    assert {path.name for path in (tmp_path / "trainer-before").glob("checkpoint-*")} == states


def test_a_finished_run_leaves_no_state_and_the_next_one_trains_anew(run, tmp_path):
    run()
    assert not (tmp_path / "trainer").exists()
    before = load_file(tmp_path / "model.safetensors")
    assert run(learning_rate=5e-3) == [None, None]
    after = load_file(tmp_path / "model.safetensors")
    assert any((before[name] != after[name]).any() for name in before)
    assert json.loads((tmp_path / "training.json").read_text("utf-8"))["recipe"]["learning_rate"] == 5e-3


def test_the_same_recipe_seed_and_data_give_the_same_weights(run, phase, tmp_path):
    run()
    mine, theirs = (load_file(folder / "model.safetensors") for folder in (tmp_path, phase.result.folder))
    assert all((mine[name] == theirs[name]).all() for name in theirs)


def test_a_state_that_was_being_written_is_passed_over(interrupted, tmp_path):
    half = tmp_path / "trainer" / "checkpoint-999"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"half of it")
    _, second = interrupted()
    assert second is not None
    assert not second.endswith("999")


def test_a_recipe_of_several_epochs_also_saves_within_one(run, tmp_path, monkeypatch):
    step = PhaseTrainer.training_step

    def stop_in_the_second_epoch(self, *given):
        if self.state.global_step == 52:
            raise KeyboardInterrupt
        return step(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(PhaseTrainer, "training_step", stop_in_the_second_epoch)
        with pytest.raises(Interrupted):
            run(epochs=2, batch_size=1)
    _, second = run(epochs=2, batch_size=1)
    assert second.endswith("checkpoint-50")
    assert (tmp_path / "training.json").exists()


def test_a_disk_that_takes_no_more_is_one_sentence_and_the_old_checkpoint_stays(run, tmp_path):
    run()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(SavingFailed, match=r"couldn't be written .*Make room; the same command continues"):
            run(learning_rate=5e-3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert kept == before
    assert not (tmp_path / "unfinished").exists()
    run(learning_rate=5e-3)
    assert (tmp_path / "model.safetensors").read_bytes() != before["model.safetensors"]


def test_a_label_that_no_text_has_is_named(phase, tmp_path):
    recipe = replace(phase.recipe, phase="slang", labels=("negative", "neutral", "positive"))
    with pytest.raises(DataError, match="No text to train on is labelled neutral"):
        run_phase(recipe, str(phase.base), phase.data, tmp_path)


def test_rows_whose_label_a_phase_has_not_are_counted_and_said(phase, tmp_path, caplog):
    labels = {"text": [f"text {number}" for number in range(60)], "label": [number % 3 for number in range(60)]}
    (tmp_path / "tweet_eval").mkdir()
    Dataset.from_dict(labels).to_parquet(tmp_path / "tweet_eval" / "train.parquet")
    recipe = replace(phase.recipe, sources=(Source("tweet_eval"),))
    run_phase(recipe, str(phase.base), tmp_path, tmp_path / "run")
    assert "20 rows have a label that this phase doesn't have; they are left out." in caplog.messages
    assert read_record(tmp_path / "run")["other_labels"] == 20


def test_too_few_rows_are_accounted_for(phase, tmp_path):
    (tmp_path / "tweet_eval").mkdir()
    rows = {"text": ["a bus", "a tram", "a tram"], "label": ["neutral"] * 3}
    Dataset.from_dict(rows).to_parquet(tmp_path / "tweet_eval" / "train.parquet")
    recipe = replace(phase.recipe, sources=(Source("tweet_eval"),))
    with pytest.raises(DataError) as refused:
        run_phase(recipe, str(phase.base), tmp_path, tmp_path / "run")
    assert str(refused.value) == (
        "0 rows are too few to train on and hold out 25% of: tweet_eval gave 2 rows, 1 duplicates; "
        "2 have a label that this phase lacks."
    )
