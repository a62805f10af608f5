"""Where a model comes from, and what is checked before any of it is loaded."""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeGuard

from model.checkpoints.hub import HUB_ID, fetch
from model.errors import CheckpointError, CheckpointNotFound, HashMismatch, MissingLabels, UnsafeCheckpoint
from model.verdict import Sentiment

BUNDLED = "bundled"
BUNDLED_FOLDER = Path(__file__).parents[1] / "bundled"
MANIFEST = "vibecheck.json"

ABSTAIN_BELOW = 0.75
"""A two-label checkpoint that states no confidence of its own is neutral below this one."""

GOLDEN = "golden.json"
TOKENIZER = "tokenizer.json"
_CONFIG = "config.json"

_REQUIRED = {"model.onnx", TOKENIZER, _CONFIG}
"""What an artefact's manifest lists; nothing that it does not list is ever read."""

_UNREAD = {"README.md", "LICENSE", "model-card"}
"""What may stand beside an artefact, as on a hub, with hidden files. It is not read."""

_LARGEST = {".onnx": 2 << 30, ".safetensors": 2 << 30, ".json": 64 << 20}
"""Bytes of a file, by its ending: what is larger is not read into memory."""

_USUAL_LENGTH, _LONGEST = 512, 8192
"""Tokens of a window; longer ones no DistilBERT was made for."""

_COLDEST, _HOTTEST = 1e-3, 1e3
"""Temperatures outside of these make every answer certain, or none."""

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
    the model that this one stands in for. `contents` are the files, by name, as they were read and checked, once: what
    is loaded is made of these bytes, whatever becomes of the folder meanwhile.
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
    contents: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)

    def bytes_of(self, name: str) -> bytes:
        """A file as it was checked. Raises CheckpointError once the model is loaded, when only small ones are kept."""
        try:
            return self.contents[name]
        except KeyError:
            raise CheckpointError(f"{self.source} has no {name} in memory; open it again.") from None

    def loaded(self) -> Self:
        """The same without the weights and the tokenizer, which are a model by now."""
        kept = {name: data for name, data in self.contents.items() if name not in {self.weights.name, TOKENIZER}}
        return replace(self, contents=MappingProxyType(kept))

    @property
    def is_onnx(self) -> bool:
        """Whether the weights are an ONNX graph; otherwise they are safetensors."""
        return self.weights.suffix == ".onnx"


def open_checkpoint(source: str = BUNDLED) -> Checkpoint:
    """Finds, reads and checks a checkpoint: "bundled", a local folder, or a hub id at a revision (`org/name@revision`).

    Every file is read once, and what is loaded later is made of these bytes. An artefact's files are those that its
    manifest lists with their hashes, and no other; a plain transformers folder needs labels in its config. Raises a
    CheckpointError: CheckpointNotFound, HubUnreachable, MissingLabels, HashMismatch or UnsafeCheckpoint.
    """
    folder = _locate(source)
    manifest = folder / MANIFEST
    try:
        if manifest.is_file():
            return _from_manifest(source, folder, _json(manifest, _read(manifest)))
        return _from_config(source, folder)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, MemoryError) as error:
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
        return fetch(source, match["repository"], match["revision"], (MANIFEST, _CONFIG), _names)
    else:
        folder = Path(source).expanduser()
    if not folder.is_dir():
        raise CheckpointNotFound(
            f'There is no model at "{source}"; give "bundled", a folder, or a hub id with its revision '
            "such as org/name@1a2b3c4."
        )
    return folder


def _names(folder: Path) -> list[str]:
    """What is to be fetched of a repository whose manifest, if it has one, is there already."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return [TOKENIZER, "model.safetensors", "model.onnx"]
    files = _json(manifest, _read(manifest)).get("files")
    return [name for name in files if Path(name).name == name] if isinstance(files, dict) else []


def _from_manifest(source: str, folder: Path, manifest: dict[str, Any]) -> Checkpoint:
    files = manifest.get("files")
    if (
        manifest.get("format") != 1
        or not isinstance(files, dict)
        or not files.keys() >= _REQUIRED
        or not all(isinstance(expected, str) for expected in files.values())
    ):
        raise CheckpointError(f"{folder / MANIFEST} is not a manifest this version can read; export the model again.")
    labels = _labels(manifest.get("labels"), folder)
    contents = {name: _listed(folder, name, expected) for name, expected in files.items()}
    _check_nothing_else(folder, contents.keys())
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
        abstain_below=_share(manifest.get("abstain_below", ABSTAIN_BELOW), "abstain_below", folder / MANIFEST),
        max_length=_length(manifest.get("max_length", _USUAL_LENGTH), folder / MANIFEST),
        metrics=_metrics(manifest.get("metrics", {}), folder / MANIFEST),
        contents=MappingProxyType(contents),
    )


def _listed(folder: Path, name: str, expected: str) -> bytes:
    """A file that the manifest lists, as its hash says it is."""
    path = folder / name
    if Path(name).name != name or not path.is_file():
        raise CheckpointNotFound(f"{folder} should hold {name}, but does not; copy the whole artefact again.")
    data = _read(path)
    if hashlib.sha256(data).hexdigest() != expected:
        raise HashMismatch(f"{path} is not the file this artefact was made with; copy the whole artefact again.")
    return data


def _check_nothing_else(folder: Path, listed: Set[str]) -> None:
    """Raises UnsafeCheckpoint where there is more than the manifest lists: weights beside a graph, say, or code."""
    more = {path.name for path in folder.iterdir()} - listed - _UNREAD - {MANIFEST}
    strange = sorted(name for name in more if not name.startswith("."))
    if strange:
        raise UnsafeCheckpoint(
            f"{folder} holds {strange[0]}, which its manifest does not list; "
            "take away what does not belong to the artefact, or export the model again."
        )


def _from_config(source: str, folder: Path) -> Checkpoint:
    config_file = folder / _CONFIG
    if not config_file.is_file():
        raise CheckpointNotFound(f"{folder} is not a model folder: it has neither {MANIFEST} nor config.json.")
    config_data = _read(config_file)
    config = _json(config_file, config_data)
    if config.get("auto_map"):
        raise UnsafeCheckpoint(f"{folder} asks to run Python code of its own (auto_map), which is never done.")
    if config.get("model_type") != "distilbert":
        kind = str(config.get("model_type"))[:64]
        raise CheckpointError(f"{folder} is a {kind}; a DistilBERT classifier is needed.")
    weights = next((path for name in ("model.safetensors", "model.onnx") if (path := folder / name).is_file()), None)
    if weights is None:
        if any(path for pattern in _PICKLES for path in folder.glob(pattern)):
            raise UnsafeCheckpoint(
                f"{folder} has its weights as a pickle, which can run code when it is read; "
                "save them as safetensors (save_pretrained does)."
            )
        raise CheckpointNotFound(f"{folder} has no weights: neither model.safetensors nor model.onnx.")
    if not (folder / TOKENIZER).is_file():
        raise CheckpointNotFound(f"{folder} has no tokenizer.json; save the tokenizer beside the model.")
    names = config.get("id2label") or {}
    ordered = [names.get(str(index)) for index in range(len(names))] if isinstance(names, dict) else None
    labels = _labels(ordered, folder)
    temperature = _positive(config.get("calibration_temperature", 1.0), config_file)
    contents = {path.name: _read(path) for path in (weights, folder / TOKENIZER)}
    files = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    contents[_CONFIG] = config_data
    return Checkpoint(
        source=source,
        folder=folder,
        weights=weights,
        labels=labels,
        version=artefact_version(files, list(labels), temperature),
        temperature=temperature,
        max_length=_length(config.get("max_position_embeddings", _USUAL_LENGTH), config_file),
        contents=MappingProxyType(contents),
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


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _positive(value: object, where: Path) -> float:
    if _is_number(value) and _COLDEST <= value <= _HOTTEST:
        return float(value)
    raise CheckpointError(f"{where} has no usable temperature; it must be a number above 0.")


def _share(value: object, name: str, where: Path) -> float:
    if _is_number(value) and 0 <= value <= 1:
        return float(value)
    raise CheckpointError(f"{where} has no usable {name}; it must be a number from 0 to 1.")


def _length(value: object, where: Path) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LONGEST:
        return value
    raise CheckpointError(f"{where} has no usable length of a window; it must be a whole number up to {_LONGEST}.")


def _metrics(found: object, where: Path) -> dict[str, float]:
    if isinstance(found, dict) and all(_is_number(value) for value in found.values()):
        return {str(name)[:64]: float(value) for name, value in found.items()}
    raise CheckpointError(f"{where} has metrics that are no numbers; export the model again.")


def _read(path: Path) -> bytes:
    """A whole file. Raises CheckpointError for one that no model has: too large, or no regular file."""
    most = _LARGEST.get(path.suffix, _LARGEST[".json"])
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise CheckpointError(f"{path} is no ordinary file.")
        data = file.read(most + 1) if status.st_size <= most else b""
    if status.st_size > most or len(data) > most:
        raise CheckpointError(f"{path} is larger than the {most >> 20:,} MB that such a file may have.")
    return data


def _json(path: Path, data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # broken, too deep, or with a number of thousands of digits
        raise CheckpointError(f"{path} cannot be read as JSON: {str(error)[:200]}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} does not hold a JSON object.")
    return content
