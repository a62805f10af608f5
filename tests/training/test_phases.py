"""A phase that is interrupted goes on; another run never inherits its state."""

import json
import warnings
from dataclasses import replace

import pytest
from safetensors.numpy import load_file

from training import phases
from training.phases import PhaseTrainer, run_phase

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
        with pytest.raises(KeyboardInterrupt):
            run()
    return run


def test_an_interrupted_run_goes_on_from_its_last_state(interrupted, tmp_path):
    assert not (tmp_path / "training.json").exists()
    first, second = interrupted()
    assert first is None
    assert second is not None
    assert (tmp_path / "training.json").exists()


def test_a_run_of_another_recipe_starts_afresh(interrupted):
    assert interrupted(learning_rate=2e-3) == [None, None]


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
