"""Where a model comes from, and what is checked before any of it is loaded."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from model.checkpoints.files import MOST_BYTES, MOST_FILES, check_nothing_else, is_there, json_object, read_file
from model.checkpoints.hub import HUB_ID, fetch
from model.checkpoints.values import (
    check_config,
    labels_in,
    labels_of_config,
    languages_in,
    length_in,
    metrics_in,
    register_in,
    share_in,
    temperature_in,
)
from model.errors import CheckpointError, CheckpointNotFound, HashMismatch, UnsafeCheckpoint
from model.register import Register
from model.verdict import Sentiment

BUNDLED = "bundled"
BUNDLED_FOLDER = Path(__file__).parents[1] / "bundled"
MULTILINGUAL = "multilingual"
MULTILINGUAL_FOLDER = Path(__file__).parents[1] / "multilingual"
"""In a checkout only: what is installed from a package index would be twice as large with it."""

OURS = (BUNDLED, MULTILINGUAL)
"""Sources of models that come with the program, and are trusted as it is."""

MANIFEST = "vibecheck.json"

_NO_REGISTER = Register()

_FORMATS = (1, 2, 3)
"""2 has a register and 3 languages, which a version of before would take for a manifest that was changed."""

ABSTAIN_BELOW = 0.75
"""A two-label checkpoint that states no confidence of its own is neutral below this one."""

GOLDEN = "golden.json"
TOKENIZER = "tokenizer.json"
_CONFIG = "config.json"

_REQUIRED = {"model.onnx", TOKENIZER, _CONFIG}
"""What an artefact's manifest lists; nothing that it does not list is ever read."""

_USUAL_LENGTH = 512
"""Tokens of a window where nothing is said of them."""

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
"""Of a listed file: no folder, no pattern that would fetch others from a hub, nothing that a terminal obeys."""

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt", "*.joblib")


@dataclass(frozen=True, slots=True)
class Missed:
    """A model that should answer and could not be had: its source, and why, without a full stop."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder that has been checked and can be loaded.

    `labels` names the columns of the logits. Logits are divided by `temperature` before the softmax, and by what
    `register` says of the text. With two labels the verdict is neutral when the larger probability is below
    `abstain_below`. `max_length` is in tokens. `missed` is the model that this one stands in for. `sha256` is over all
    that decides what it answers, in hex: on whatever machine, and under whatever name, the same model has the same.
    `languages` are those that it was released for, by code, each with its temperature; none: English alone.
    `contents` are the files, by name, as they were read and checked, once: what is loaded is made of these bytes,
    whatever becomes of the folder meanwhile.
    """

    source: str
    folder: Path
    weights: Path
    labels: tuple[Sentiment, ...]
    version: str
    temperature: float = 1.0
    register: Register = _NO_REGISTER
    abstain_below: float = ABSTAIN_BELOW
    max_length: int = 512
    metrics: dict[str, float] = field(default_factory=dict)
    missed: Missed | None = None
    sha256: str = ""
    languages: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
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

    def fingerprint(self) -> str:
        """A SHA-256 over every byte that was read and every value that was taken from them, before it is loaded.

        `version` names a model to people in ten digits, and says nothing of what is around the weights: two models can
        be made to have it in common.
        """
        said = (self.labels, self.temperature, self.register, self.abstain_below, self.max_length, self.weights.name)
        digest = hashlib.sha256(repr(said).encode())
        if self.languages:
            digest.update(repr(sorted(self.languages.items())).encode())
        for name, data in sorted(self.contents.items()):
            digest.update(f"\n{name!r} {hashlib.sha256(data).hexdigest()}".encode())
        return digest.hexdigest()

    @property
    def is_onnx(self) -> bool:
        """Whether the weights are an ONNX graph; otherwise they are safetensors."""
        return self.weights.suffix == ".onnx"


def open_checkpoint(source: str = BUNDLED) -> Checkpoint:
    """Finds, reads and checks a checkpoint: "bundled", "multilingual", a folder, or a hub id (`org/name@revision`).

    Every file is read once, and what is loaded later is made of these bytes. An artefact's files are those that its
    manifest lists with their hashes, and no other; a plain transformers folder needs labels in its config. Raises a
    CheckpointError: CheckpointNotFound, HubUnreachable, MissingLabels, HashMismatch or UnsafeCheckpoint.
    """
    try:
        folder = _locate(source)
        manifest = folder / MANIFEST
        if is_there(manifest):
            return _from_manifest(source, folder, json_object(manifest, read_file(manifest)))
        return _from_config(source, folder)
    except CheckpointError:
        raise
    except Exception as error:  # of a path, a disk or a file that nobody has thought of
        raise CheckpointError(
            f"I can't read {source} as a model ({type(error).__name__}). Check its files and their permissions."
        ) from error


def artefact_version(said: Mapping[str, Any]) -> str:
    """The short content hash that names an artefact, over what its manifest says.

    That is its `files` with their SHA-256, its `labels`, its `temperature`, and its `register` and `languages` if it
    has any.
    """
    register, languages = said.get("register"), said.get("languages")
    parts = [sorted(said["files"].items()), said["labels"], said["temperature"], *([register] if register else ())]
    if languages:
        parts.append({"languages": languages})
    record = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(record.encode()).hexdigest()[:10]


def file_sha256(path: Path) -> str:
    """A file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _locate(source: str) -> Path:
    if source == BUNDLED:
        folder = BUNDLED_FOLDER
    elif source == MULTILINGUAL:
        folder = MULTILINGUAL_FOLDER
        if not is_there(folder / MANIFEST):
            raise CheckpointNotFound(
                "The multilingual model isn't here: it only comes with the repository, in model/multilingual. Run the "
                "bot from a clone after make, or name the folder: MODEL=bundled+/path/to/clone/model/multilingual."
            )
    elif (match := HUB_ID.fullmatch(source)) and not Path(source).exists():
        return fetch(source, match["repository"], match["revision"], (MANIFEST, _CONFIG), _names)
    else:
        folder = Path(source).expanduser()
    if not folder.is_dir():
        raise CheckpointNotFound(
            f'There\'s no model at "{source}". Give "bundled", a folder, or a hub id with its revision such as '
            "org/name@1a2b3c4."
        )
    return folder


def _names(folder: Path) -> list[str]:
    """What is to be fetched of a repository whose manifest, if it has one, is there already."""
    manifest = folder / MANIFEST
    if not is_there(manifest):
        return [TOKENIZER, "model.safetensors", "model.onnx"]
    return list(_files(manifest, json_object(manifest, read_file(manifest))))


def _from_manifest(source: str, folder: Path, manifest: dict[str, Any]) -> Checkpoint:
    where = folder / MANIFEST
    files = _files(where, manifest)
    labels = labels_in(manifest.get("labels"), folder)
    temperature = temperature_in(manifest.get("temperature"), where)
    max_length = length_in(manifest.get("max_length", _USUAL_LENGTH), where)
    contents: dict[str, bytes] = {}
    for name, expected in files.items():
        contents[name] = _listed(folder, name, expected, MOST_BYTES - sum(map(len, contents.values())))
    check_nothing_else(folder, contents.keys() | {MANIFEST})
    check_config(json_object(folder / _CONFIG, contents[_CONFIG]), max_length, folder)
    register = register_in(manifest.get("register"), where)
    languages = languages_in(manifest.get("languages"), where)
    named = {"files": files, "labels": list(labels), "temperature": temperature, "register": manifest.get("register")}
    if languages:
        named["languages"] = manifest["languages"]
    version = artefact_version(named)
    abstain_below = share_in(manifest.get("abstain_below", ABSTAIN_BELOW), "abstain_below", where)
    if version != manifest.get("version"):
        raise HashMismatch(f"{where} was changed after it was written. Export the model again.")
    return Checkpoint(
        source=source,
        folder=folder,
        weights=folder / "model.onnx",
        labels=labels,
        version=version,
        temperature=temperature,
        register=register,
        abstain_below=abstain_below,
        max_length=max_length,
        metrics=metrics_in(manifest.get("metrics", {}), where),
        sha256=_sha256(named, abstain_below, max_length),
        languages=languages,
        contents=MappingProxyType(contents),
    )


def _files(where: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    """The files that a manifest lists, with their hashes. Raises CheckpointError for what is no manifest of ours."""
    files, form = manifest.get("files"), manifest.get("format")
    if (
        type(form) is not int
        or form not in _FORMATS
        or not isinstance(files, dict)
        or not files.keys() >= _REQUIRED
        or len(files) > MOST_FILES
        or not all(isinstance(expected, str) for expected in files.values())
    ):
        raise CheckpointError(f"{where} isn't a manifest this version can read. Export the model again.")
    if strange := next((name for name in files if not _NAME.fullmatch(name)), None):
        raise CheckpointNotFound(f"{where} lists {strange}, but there's no such file beside it.")
    return files


def _listed(folder: Path, name: str, expected: str, most: int) -> bytes:
    """A file that the manifest lists, as its hash says it is."""
    path = folder / name
    if not path.is_file():
        raise CheckpointNotFound(f"{folder} should hold {name}, but doesn't. Copy the whole artefact again.")
    data = read_file(path, most)
    if hashlib.sha256(data).hexdigest() != expected:
        raise HashMismatch(f"{path} isn't the file this artefact was made with. Copy the whole artefact again.")
    return data


def _from_config(source: str, folder: Path) -> Checkpoint:
    config_file = folder / _CONFIG
    if not is_there(config_file):
        raise CheckpointNotFound(f"{folder} isn't a model folder: it has neither {MANIFEST} nor config.json.")
    config_data = read_file(config_file)
    config = json_object(config_file, config_data)
    max_length = length_in(config.get("max_position_embeddings", _USUAL_LENGTH), config_file)
    check_config(config, max_length, folder)
    if config.get("model_type") != "distilbert":
        kind = str(config.get("model_type"))[:64]
        raise CheckpointError(f"{folder} is a {kind}. I need a DistilBERT classifier.")
    weights = next((path for name in ("model.safetensors", "model.onnx") if (path := folder / name).is_file()), None)
    if weights is None:
        if any(path for pattern in _PICKLES for path in folder.glob(pattern)):
            raise UnsafeCheckpoint(
                f"{folder} has its weights as a pickle, which can run code when it's read. Save them as safetensors "
                "(save_pretrained does)."
            )
        raise CheckpointNotFound(f"{folder} has no weights: neither model.safetensors nor model.onnx.")
    if not (folder / TOKENIZER).is_file():
        raise CheckpointNotFound(f"{folder} has no tokenizer.json. Save the tokenizer beside the model.")
    labels = labels_of_config(config, folder)
    temperature = temperature_in(config.get("calibration_temperature", 1.0), config_file)
    register = register_in(config.get("calibration_register"), config_file)
    languages = languages_in(config.get("calibration_languages"), config_file)
    contents = {path.name: read_file(path) for path in (weights, folder / TOKENIZER)}
    files = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    contents[_CONFIG] = config_data
    named: dict[str, Any] = {"files": files, "labels": list(labels), "temperature": temperature}
    if register:
        named["register"] = asdict(register)
    if languages:
        named["languages"] = dict(languages)
    return Checkpoint(
        source=source,
        folder=folder,
        weights=weights,
        labels=labels,
        version=artefact_version(named),
        temperature=temperature,
        register=register,
        max_length=max_length,
        sha256=_sha256(named, ABSTAIN_BELOW, max_length),
        languages=languages,
        contents=MappingProxyType(contents),
    )


def _sha256(named: Mapping[str, Any], abstain_below: float, max_length: int) -> str:
    """Over the hashes of its files and the values beside them: nothing is read again for it."""
    said = json.dumps([named, abstain_below, max_length], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
