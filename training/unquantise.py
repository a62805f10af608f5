"""The weights of an exported model as floats again, to train on from them.

int8 keeps each weight to half a step of its channel, which a few hundred steps of training make up for. So whoever has
words of their own to teach needs the model that answers, and not the hours before it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper
from safetensors.numpy import save_file

from model.checkpoints.checkpoint import MANIFEST
from training.checkpointing import RECORD, explained, read_json, whole_folder
from training.errors import TrainingError

_TURNED = "_transposed"
_NETWORK = ("distilbert.", "pre_classifier.", "classifier.")


def unquantise(exported: Path, output: Path) -> Path:
    """Writes a folder that `load_base` reads to `output`, from one that `training export` wrote; returns `output`.

    The record of how its weights were trained goes with it, so that what they never saw stays held out.

    Raises TrainingError where `exported` holds no such model.
    """
    try:
        graph = onnx.load(str(exported / "model.onnx")).graph
    except (OSError, DecodeError) as error:
        raise TrainingError(f"{exported} holds no model that can be read: {error}") from error
    manifest, config = read_json(exported / MANIFEST), read_json(exported / "config.json")
    weights = _floats({tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer})
    if "classifier.weight" not in weights:
        raise TrainingError(f"{exported} wasn't written by `vibecheck train export`: its weights have other names.")
    temperature = float(manifest.get("temperature", 1.0))
    record = {**manifest.get("training", {}), "temperature": temperature}
    config |= {"calibration_temperature": temperature, "calibration_register": None}
    with explained(output), whole_folder(output) as folder:
        shutil.copyfile(exported / "tokenizer.json", folder / "tokenizer.json")
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return output


def _floats(stored: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.float32]]:
    """By DistilBERT's names and in its shapes, what `quantise` stored: int8 with scales, halves, and floats."""
    weights: dict[str, NDArray[np.float32]] = {}
    for name, values in stored.items():
        whole = name.removesuffix("_quantized").removesuffix("_half")
        if not whole.startswith(_NETWORK) or whole.endswith(("_scale", "_sums")):
            continue
        floats = values.astype(np.float32)
        if name.endswith("_quantized"):
            floats *= stored[f"{whole}_scale"].astype(np.float32)
        is_turned = whole.endswith(_TURNED)
        weights[whole.removesuffix(_TURNED)] = np.ascontiguousarray(floats.T if is_turned else floats)
    return weights
