"""Where a model comes from, and what is checked before any of it is loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.checkpoints.hub import HUB_ID, fetch
from model.errors import CheckpointError, CheckpointNotFound, HashMismatch, MissingLabels, UnsafeCheckpoint
from model.verdict import Sentiment

BUNDLED = "bundled"
BUNDLED_FOLDER = Path(__file__).parents[1] / "bundled"
MANIFEST = "vibecheck.json"

ABSTAIN_BELOW = 0.75
"""A two-label checkpoint that states no confidence of its own is neutral below this one."""

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt", "*.joblib")
_LABEL_NAMES = {"neg": "negative", "negative": "negative", "neu": "neutral", "neutral": "neutral",
                "pos": "positive", "positive": "positive"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Missed:
    """A model that should answer and could not be had: its source, and why, without a full stop."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder that has been checked and can be loaded.

    `labels` names the columns of the logits. Logits are divided by `temperature` before the softmax. With two labels
    the verdict is neutral when the larger probability is below `abstain_below`. `max_length` is in tokens. `missed` is
    the model that this one stands in for.
    """

    source: str
    folder: Path
    weights: Path
    labels: tuple[Sentiment, ...]
    version: str
    temperature: float = 1.0
    abstain_below: float = ABSTAIN_BELOW
    max_length: int = 512
    metrics: dict[str, float] = field(default_factory=dict)
    missed: Missed | None = None

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's file."""
        return self.folder / "tokenizer.json"

    @property
    def is_onnx(self) -> bool:
        """Whether the weights are an ONNX graph; otherwise they are safetensors."""
        return self.weights.suffix == ".onnx"


def open_checkpoint(source: str = BUNDLED) -> Checkpoint:
    """Finds and checks a checkpoint: "bundled", a local folder, or a hub id at a revision (`org/name@revision`).

    An artefact with a manifest is checked file by file against its hashes; a plain transformers folder needs labels
    in its config. Raises a CheckpointError: CheckpointNotFound, HubUnreachable, MissingLabels, HashMismatch or
    UnsafeCheckpoint.
    """
    folder = _locate(source)
    manifest = folder / MANIFEST
    try:
        if manifest.is_file():
            return _from_manifest(source, folder, _read_json(manifest))
        return _from_config(source, folder)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{source} cannot be read as a model ({type(error).__name__}); check its files and their permissions."
        ) from error


def artefact_version(files: dict[str, str], labels: list[str], temperature: float) -> str:
    """The short content hash that names an artefact: over its files' SHA-256, its labels and temperature."""
    record = json.dumps([sorted(files.items()), labels, temperature])
    return hashlib.sha256(record.encode()).hexdigest()[:10]


def file_sha256(path: Path) -> str:
    """A file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _locate(source: str) -> Path:
    if source == BUNDLED:
        folder = BUNDLED_FOLDER
    elif (match := HUB_ID.fullmatch(source)) and not Path(source).exists():
        return fetch(source, match["repository"], match["revision"])
    else:
        folder = Path(source).expanduser()
    if not folder.is_dir():
        raise CheckpointNotFound(
            f'There is no model at "{source}"; give "bundled", a folder, or a hub id with its revision '
            "such as org/name@1a2b3c4."
        )
    return folder


def _from_manifest(source: str, folder: Path, manifest: dict[str, Any]) -> Checkpoint:
    files = manifest.get("files")
    if manifest.get("format") != 1 or not isinstance(files, dict) or "model.onnx" not in files:
        raise CheckpointError(f"{folder / MANIFEST} is not a manifest this version can read; export the model again.")
    labels = _labels(manifest.get("labels"), folder)
    for name, expected in files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise CheckpointNotFound(f"{folder} should hold {name}, but does not; copy the whole artefact again.")
        if file_sha256(path) != expected:
            raise HashMismatch(f"{path} is not the file this artefact was made with; copy the whole artefact again.")
    temperature = _positive(manifest.get("temperature"), folder / MANIFEST)
    version = artefact_version(files, list(labels), temperature)
    if version != manifest.get("version"):
        raise HashMismatch(f"{folder / MANIFEST} was changed after it was written; export the model again.")
    return Checkpoint(
        source=source,
        folder=folder,
        weights=folder / "model.onnx",
        labels=labels,
        version=version,
        temperature=temperature,
        abstain_below=float(manifest.get("abstain_below", ABSTAIN_BELOW)),
        max_length=int(manifest.get("max_length", 512)),
        metrics=dict(manifest.get("metrics", {})),
    )


def _from_config(source: str, folder: Path) -> Checkpoint:
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise CheckpointNotFound(f"{folder} is not a model folder: it has neither {MANIFEST} nor config.json.")
    config = _read_json(config_file)
    if config.get("auto_map"):
        raise UnsafeCheckpoint(f"{folder} asks to run Python code of its own (auto_map), which is never done.")
    if config.get("model_type") != "distilbert":
        raise CheckpointError(f"{folder} is a {config.get('model_type')}; a DistilBERT classifier is needed.")
    weights = next((path for name in ("model.safetensors", "model.onnx") if (path := folder / name).is_file()), None)
    if weights is None:
        if any(path for pattern in _PICKLES for path in folder.glob(pattern)):
            raise UnsafeCheckpoint(
                f"{folder} has its weights as a pickle, which can run code when it is read; "
                "save them as safetensors (save_pretrained does)."
            )
        raise CheckpointNotFound(f"{folder} has no weights: neither model.safetensors nor model.onnx.")
    if not (folder / "tokenizer.json").is_file():
        raise CheckpointNotFound(f"{folder} has no tokenizer.json; save the tokenizer beside the model.")
    names = config.get("id2label") or {}
    ordered = [names.get(str(index)) for index in range(len(names))] if isinstance(names, dict) else None
    labels = _labels(ordered, folder)
    temperature = _positive(config.get("calibration_temperature", 1.0), config_file)
    files = {path.name: file_sha256(path) for path in (weights, folder / "tokenizer.json")}
    return Checkpoint(
        source=source,
        folder=folder,
        weights=weights,
        labels=labels,
        version=artefact_version(files, list(labels), temperature),
        temperature=temperature,
        max_length=int(config.get("max_position_embeddings", 512)),
    )


def _labels(names: object, folder: Path) -> tuple[Sentiment, ...]:
    """Two or three distinct sentiments, or MissingLabels."""
    given = [_LABEL_NAMES.get(str(name).lower()) for name in names] if isinstance(names, list) else []
    found = tuple(Sentiment(name) for name in given if name)
    distinct = len(set(found)) == len(given) == len(found)
    if not distinct or len(found) not in (2, 3) or not {Sentiment.NEGATIVE, Sentiment.POSITIVE} <= set(found):
        raise MissingLabels(
            f"{folder} does not say which of its outputs are negative, neutral and positive; "
            "set id2label in its config.json."
        )
    return found


def _positive(value: object, where: Path) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf"):
        return float(value)
    raise CheckpointError(f"{where} has no usable temperature; it must be a number above 0.")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} does not hold a JSON object.")
    return content
