"""A checkpoint between two of the same shape: their weights interpolated (WiSE-FT, arXiv:2109.01903).

What a fine-tuning step gained and what it cost can so be had in part.
"""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from model.backends.engine import load_engine
from model.checkpoints.checkpoint import open_checkpoint
from model.verdict import SENTIMENTS, Sentiment
from training.calibration import expected_calibration_error, fit_temperature, softmax
from training.checkpointing import RECORD, explained, read_record, whole_folder
from training.data import load_split
from training.errors import TrainingError
from training.scoring import read_logits
from training.train import macro_recall

WEIGHTS = "model.safetensors"
_SETTINGS = "tokenizer_config.json"


def blend(  # noqa: PLR0917
    first: Path,
    second: Path,
    share: float,
    data: Path | None,
    output: Path,
    odds: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> dict[str, float]:
    """Writes (1 - share) x `first` + share x `second` to `output`, calibrated on TweetEval's validation split.

    Both are three-label folders that training wrote. `odds` multiplies those of negative, neutral and positive, for use
    where the labels are not as frequent as in the training data (logit adjustment, arXiv:2007.07314). Returns figures
    on that split, in [0, 1] except `temperature`. Raises TrainingError when their weights do not fit together.
    """
    if not 0 <= share <= 1:
        raise TrainingError(f"The share must be between 0 and 1, not {share}.")
    if not all(0 < one < math.inf for one in odds):
        raise TrainingError("Odds must be numbers above 0.")
    labels, _ = (labels_of_phase_two(folder) for folder in (first, second))
    ours, theirs = load_file(first / WEIGHTS), load_file(second / WEIGHTS)
    if {name: values.shape for name, values in ours.items()} != {n: values.shape for n, values in theirs.items()}:
        raise TrainingError(f"{first} and {second} are networks of different shapes.")
    between = {name: ((1 - share) * values + share * theirs[name]).astype(np.float32) for name, values in ours.items()}
    between["classifier.bias"] += np.log([odds[SENTIMENTS.index(label)] for label in labels]).astype(np.float32)
    parts = [read_record(folder) for folder in (first, second)]
    with explained(output), whole_folder(output) as folder:
        for name in ("config.json", "tokenizer.json"):
            shutil.copyfile(first / name, folder / name)
        if (first / _SETTINGS).is_file():  # an exported model, as floats again, has none
            shutil.copyfile(first / _SETTINGS, folder / _SETTINGS)
        save_file(between, folder / WEIGHTS, metadata={"format": "pt"})
        figures = _calibrate(folder, data)
        record = {
            "phase": "blend",
            "share": share,
            "odds": list(odds),
            "first": parts[0],
            "second": parts[1],
            "metrics": figures,
            "temperature": figures["temperature"],
        }
        (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return figures


def labels_of_phase_two(folder: Path) -> tuple[Sentiment, ...]:
    """The order of the three labels in a folder that phase 2 wrote. Raises TrainingError for any other checkpoint."""
    labels = open_checkpoint(str(folder)).labels
    if set(labels) != set(SENTIMENTS):
        raise TrainingError(f"{folder} doesn't have the three labels; give phase 2's folder.")
    if not (folder / WEIGHTS).is_file():
        raise TrainingError(f"{folder} holds no {WEIGHTS}; give a folder that training wrote, not an exported one.")
    try:
        with safe_open(folder / WEIGHTS, "numpy"):
            pass
    except SafetensorError as error:
        raise TrainingError(f"{folder / WEIGHTS} isn't a file of weights: {error}.") from None
    return labels


def _calibrate(folder: Path, data: Path | None) -> dict[str, float]:
    """Fits the temperature and writes it into the folder's config."""
    rows = load_split("tweet_eval", "validation", data)
    engine = load_engine(str(folder))
    order = [engine.checkpoint.labels.index(sentiment) for sentiment in SENTIMENTS]
    read = read_logits(engine, rows["text"][:], "calibrating")
    given = [len(windows) > 0 for windows in read]  # what is refused gets no probability that could be calibrated
    logits = np.stack([windows.mean(axis=0) for windows in read if len(windows)])[:, order]
    labels = np.array(rows["label3"])[given]
    temperature = fit_temperature(logits, labels)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["calibration_temperature"] = temperature
    config.pop("calibration_register", None)  # it is of the first checkpoint's weights
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    return {
        "validation_accuracy": float((logits.argmax(-1) == labels).mean()),
        "validation_macro_recall": macro_recall(logits, labels),
        "validation_ece": expected_calibration_error(softmax(logits / temperature), labels),
        "temperature": temperature,
    }
