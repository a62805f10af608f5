"""How sure a checkpoint is, fitted on texts of several registers that it has not been trained on."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np
from datasets import Dataset, concatenate_datasets

from model.backends.engine import load_engine
from model.verdict import SENTIMENTS
from training.calibration import expected_calibration_error, fit_register, softmax
from training.checkpointing import RECORD, explained, held_out_by, read_json, read_record, whole_folder
from training.data import load_split, split_validation
from training.datasets_catalog import CORPORA
from training.scoring import read_logits, read_traits
from training.weight_blend import labels_of_phase_two

_log = logging.getLogger(__name__)

_ROWS = 2000
MOODS = ("game_chat", "small_talk", "irc", "text_messages")
"""Sets of other people's messages with moods of ours (`training.moods`)."""


def calibrate(checkpoint: Path, data: Path | None) -> dict[str, float]:
    """Fits the temperature and its register, writes them into the folder, and returns them with each group's error.

    The groups are our own chat, the messages of other people that we had labelled, TweetEval's tweets and GoEmotions'
    comments, and IMDB's reviews, all of validation splits or never trained on; each weighs the same, and one that is
    not in `data` is left out, with a warning.
    `checkpoint` is a folder that phase 2 or a blend wrote. The errors are ECE, in [0, 1], on the very texts that it is
    fitted on. Raises TrainingError.
    """
    labels_of_phase_two(checkpoint)
    groups = _groups(checkpoint, data)
    engine = load_engine(str(checkpoint))
    order = [engine.checkpoint.labels.index(sentiment) for sentiment in SENTIMENTS]
    logits, labels, traits, names = [], [], [], []
    for name, rows in groups.items():
        texts = rows["text"][:]
        read = read_logits(engine, texts, name)
        for windows, label, found in zip(read, rows["label3"][:], read_traits(engine, texts), strict=True):
            if len(windows):  # what is refused gets no probability that could be calibrated
                logits.append(windows.mean(axis=0)[order])
                labels.append(label)
                traits.append(found)
                names.append(name)
    found_logits, truth, group = np.stack(logits), np.array(labels), np.array(names)
    temperature, register = fit_register(found_logits, truth, traits, group)
    figures = {"temperature": temperature, **asdict(register)}
    margins = np.diff(np.sort(found_logits, axis=-1)[:, -2:]).ravel()
    factors = [register.factor(one, float(margin)) for one, margin in zip(traits, margins, strict=True)]
    probabilities = softmax(found_logits / (temperature * np.array(factors))[:, None])
    for name in groups:
        figures[f"ece_{name}"] = expected_calibration_error(probabilities[group == name], truth[group == name])
    with explained(checkpoint), whole_folder(checkpoint) as folder:
        config = read_json(checkpoint / "config.json")
        config |= {"calibration_temperature": temperature, "calibration_register": asdict(register)}
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
        if record := read_record(checkpoint):
            record |= {"temperature": temperature, "register": asdict(register)}
            (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return figures


def _groups(checkpoint: Path, data: Path | None) -> dict[str, Dataset]:
    share, seed = held_out_by(checkpoint)
    groups = {"chat": load_split("chat", "validation", data)}
    others = {
        "people": (MOODS, "train"),
        "tweets": (("tweet_eval",), "validation"),
        "comments": (("goemotions",), "validation"),
        "reviews": (("imdb",), "train"),
    }
    for name, (corpora, split) in others.items():
        known = [CORPORA[corpus] for corpus in corpora]
        if not all(corpus.hub if data is None else corpus.file(data, split).is_file() for corpus in known):
            _log.warning("%s are left out: %s/%s is not there", name, " or ".join(corpora), split)
            continue
        rows = concatenate_datasets([load_split(corpus, split, data) for corpus in corpora])
        groups[name] = split_validation(rows, share, seed)["validation"] if split == "train" else rows
    return {name: rows.shuffle(seed=0).select(range(min(_ROWS, len(rows)))) for name, rows in groups.items()}
