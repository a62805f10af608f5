"""What a manifest or a config says, as values that can be used, or one sentence about the one that cannot."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeGuard

from model.errors import CheckpointError, MissingLabels, UnsafeCheckpoint, printable
from model.register import MOST_MARGIN, Register
from model.verdict import Sentiment

_SHORTEST, _LONGEST = 128, 8192
"""Tokens of a window. Shorter ones would be all overlap, and longer ones no DistilBERT was made for."""

_COLDEST, _HOTTEST = 1e-3, 1e3
"""Temperatures outside of these make every answer certain, or none."""

_LANGUAGE = re.compile("[a-z]{2}")
_MOST_LANGUAGES = 64

_HEAVIEST = {"tokens": 4.0, "pieces": 4.0, "margin": 0.99 / MOST_MARGIN}
"""Weights of a register beyond these would decide alone how sure the model is; with a heavier one of the margin, the
text with the larger margin would be the less sure of two.
"""

_MOST_METRICS, _LARGEST_METRIC = 32, 1e6
"""They are shown to people, in a table of one screen."""

_USUAL_SIZES = {"vocab_size": 30522, "max_position_embeddings": 512, "n_layers": 6, "n_heads": 12, "dim": 768,
                "hidden_dim": 3072}  # fmt: skip
_LARGEST_SIZE = 1 << 24

_LABEL_NAMES = {"neg": "negative", "negative": "negative", "neu": "neutral", "neutral": "neutral",
                "pos": "positive", "positive": "positive"}  # fmt: skip


def labels_in(names: object, folder: Path) -> tuple[Sentiment, ...]:
    """Two or three distinct sentiments, or MissingLabels."""
    few = names if isinstance(names, list) and len(names) <= len(Sentiment) else []
    given = [_LABEL_NAMES.get(name.lower()) if isinstance(name, str) else None for name in few]
    found = tuple(Sentiment(name) for name in given if name)
    distinct = len(set(found)) == len(given) == len(found)
    if not distinct or len(found) not in (2, 3) or not {Sentiment.NEGATIVE, Sentiment.POSITIVE} <= set(found):
        raise MissingLabels(
            f"{folder} doesn't say which of its outputs are negative, neutral and positive. Set id2label in its "
            "config.json."
        )
    return found


def labels_of_config(config: Mapping[str, Any], folder: Path) -> tuple[Sentiment, ...]:
    """The labels in the order of the outputs, as transformers' `config.json` names them, or MissingLabels."""
    names = config.get("id2label") or {}
    return labels_in(
        [names.get(str(index)) for index in range(len(names))] if isinstance(names, dict) else None, folder
    )


def temperature_in(value: object, where: Path) -> float:
    """What logits are divided by."""
    if _is_number(value) and _COLDEST <= value <= _HOTTEST:
        return float(value)
    raise CheckpointError(f"{where} has no usable temperature; it must be a number above 0.")


def register_in(value: object, where: Path) -> Register:
    """The weights by which temperatures differ; none are named where they do not."""
    if value is None:
        return Register()
    if (
        isinstance(value, dict)
        and value.keys() <= _HEAVIEST.keys()
        and all(_is_number(weight) and abs(weight) <= _HEAVIEST[name] for name, weight in value.items())
    ):
        return Register(**{name: float(weight) for name, weight in value.items()})
    raise CheckpointError(f"{where} has no usable register; it must have small numbers for {', '.join(_HEAVIEST)}.")


def languages_in(value: object, where: Path) -> Mapping[str, float]:
    """The languages that a model was released for, with their temperatures; none where it says nothing of them."""
    if value is None:
        return MappingProxyType({})
    if (
        isinstance(value, dict)
        and 1 <= len(value) <= _MOST_LANGUAGES
        and all(isinstance(code, str) and _LANGUAGE.fullmatch(code) for code in value)
        and all(_is_number(one) and _COLDEST <= one <= _HOTTEST for one in value.values())
    ):
        return MappingProxyType({code: float(temperature) for code, temperature in value.items()})
    raise CheckpointError(
        f"{where} has no usable languages; it must have codes of two letters such as es, each with a number above 0."
    )


def share_in(value: object, name: str, where: Path) -> float:
    """A number from 0 to 1."""
    if _is_number(value) and 0 <= value <= 1:
        return float(value)
    raise CheckpointError(f"{where} has no usable {name}; it must be a number from 0 to 1.")


def length_in(value: object, where: Path) -> int:
    """Tokens of a window."""
    if _is_whole(value) and _SHORTEST <= value <= _LONGEST:
        return value
    raise CheckpointError(
        f"{where} has no usable length of a window; it must be a whole number from {_SHORTEST} to {_LONGEST}."
    )


def metrics_in(found: object, where: Path) -> dict[str, float]:
    """Figures by name, for people."""
    if (
        isinstance(found, dict)
        and len(found) <= _MOST_METRICS
        and all(_is_number(value) and abs(value) <= _LARGEST_METRIC for value in found.values())
    ):
        return {printable(str(name), 64): float(value) for name, value in found.items()}
    raise CheckpointError(f"{where} has metrics that aren't numbers. Export the model again.")


def check_config(config: Mapping[str, Any], max_length: int, folder: Path) -> None:
    """Raises CheckpointError for a config that asks for code, or for windows that the network has no positions for."""
    if config.get("auto_map"):
        raise UnsafeCheckpoint(f"{folder} asks to run Python code of its own (auto_map), which is never done.")
    words = config.get("vocab_size", 1)
    if not _is_whole(words) or not 1 <= words <= _LARGEST_SIZE:
        raise CheckpointError(f"{folder / 'config.json'} has no usable vocab_size.")
    positions = config.get("max_position_embeddings", max_length)
    if not _is_whole(positions) or positions < max_length:
        raise CheckpointError(
            f"{folder / 'config.json'} has no usable max_position_embeddings; windows have {max_length} tokens."
        )


def network_in(config: Mapping[str, Any], weights: int) -> dict[str, Any]:
    """What a config says of the network, as DistilBertConfig takes it; of anything else transformers would make code.

    Raises CheckpointError for a network that cannot have the `weights` bytes that are there: a byte for each number at
    least. Otherwise ten letters in a config take all memory there is.
    """
    found = {name: config.get(name, usual) for name, usual in _USUAL_SIZES.items()}
    if all(_is_whole(value) and 1 <= value <= _LARGEST_SIZE for value in found.values()):
        wide, inner = found["dim"], found["hidden_dim"]
        embedded = (found["vocab_size"] + found["max_position_embeddings"]) * wide
        layers = found["n_layers"] * (4 * wide * wide + 2 * wide * inner)
        activation, sinusoidal = config.get("activation", "gelu"), config.get("sinusoidal_pos_embds", False)
        if embedded + layers <= weights and activation in ("gelu", "relu") and isinstance(sinusoidal, bool):
            return {**found, "activation": activation, "sinusoidal_pos_embds": sinusoidal}
    raise CheckpointError("config.json describes another network than the one whose weights are beside it.")


def _is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number that a float can hold: JSON has whole numbers of thousands of digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
