"""From a person's text to token windows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tokenizers import Tokenizer

from model.errors import CheckpointError, NothingToRead
from model.register import Traits
from model.text.cleaning import clean, is_readable
from model.text.known_words import KnownWords
from model.text.windows import OVERLAP, split_windows, spread

_PART = 2000
"""Characters that are tokenised at a time: each call holds the interpreter's lock."""

_AT_A_BLANK = re.compile(rf".{{1,{_PART}}}(?: |\Z)|.{{1,{_PART}}}", re.DOTALL)
"""Parts that end between words, so that the tokens are those of the whole."""

_UNKNOWN = "[UNK]"

_WINDOW_CHARACTERS = 3000
"""What a window of 512 tokens holds, and some; of a text with many more of them, only so much is tokenised for each."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as windows of token ids, [CLS] and [SEP] included, and how many more windows it has that are not read."""

    rows: list[list[int]]
    skipped: int = 0


class Reader:
    """Cleans and tokenises. Not shared between threads: a tokenizer in use by two raises "Already borrowed"."""

    def __init__(self, tokenizer: bytes, max_length: int) -> None:
        """`tokenizer` is what a `tokenizer.json` holds; `max_length` is a window's tokens, special ones included.

        Raises CheckpointError when it is not a tokenizer with [CLS] and [SEP].
        """
        try:
            self._tokenizer = Tokenizer.from_buffer(tokenizer)
        except Exception as error:  # the library raises bare Exception
            raise CheckpointError(f"tokenizer.json isn't a tokenizer: {str(error)[:200]}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        start, end = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        if start is None or end is None:
            raise CheckpointError("tokenizer.json lacks [CLS] or [SEP]; a BERT tokenizer is needed.")
        self._start, self._end = start, end
        self._vocabulary = self._tokenizer.get_vocab(with_added_tokens=True)
        self._known = KnownWords.of(self._tokenizer, self._vocabulary)
        self._room = max_length - 2

    @property
    def last_token(self) -> int:
        """The largest number of a token, as the library counts them, which is not always what the file says."""
        return max(self._vocabulary.values())

    def traits(self, rows: Sequence[Sequence[int]]) -> Traits:
        """What a text's windows tell of its register; where windows overlap, tokens count for each."""
        ids = [token for row in rows for token in row[1:-1]]
        pieces = sum(map(self._pieces.__contains__, ids))
        return Traits(len(ids), pieces / len(ids) if ids else 0.0)

    @cached_property
    def _pieces(self) -> frozenset[int]:
        """Tokens that go on with a word, and the one for what cannot be read."""
        return frozenset(
            number for token, number in self._vocabulary.items() if token.startswith("##") or token == _UNKNOWN
        )

    def read(self, text: str) -> list[list[int]]:
        """A person's text as windows of token ids, all of them, [CLS] and [SEP] included. Raises NothingToRead."""
        cleaned = clean(text)
        if not is_readable(cleaned):
            raise NothingToRead
        return self.read_cleaned(cleaned).rows

    def read_cleaned(self, cleaned: str, most: int = 0) -> Reading:
        """A cleaned text in at most `most` windows, evenly spread over it; 0 is all. Raises NothingToRead.

        How many windows a text has in all is estimated where it is much longer than what is read of it.
        """
        if most and len(cleaned) > most * _WINDOW_CHARACTERS:
            return self._samples(cleaned, most)
        ids = self._ids(cleaned)
        if len(ids) <= self._room:
            return Reading([self._framed(ids)])
        windows = split_windows(ids, self._room)
        read = spread(len(windows), most) if most else range(len(windows))
        return Reading([self._framed(windows[place]) for place in read], len(windows) - len(read))

    def _samples(self, cleaned: str, most: int) -> Reading:
        """One window from each of `most` places."""
        last = len(cleaned) - _WINDOW_CHARACTERS
        parts = [
            cleaned[start : start + _WINDOW_CHARACTERS]
            for start in (last * place // (most - 1 or 1) for place in range(most))
        ]
        read = [self._ids(part) for part in parts]
        tokens = sum(map(len, read)) * len(cleaned) // (most * _WINDOW_CHARACTERS)
        count = max(most + 1, -(-(tokens - OVERLAP) // (self._room - OVERLAP)))
        return Reading([self._framed(ids[: self._room]) for ids in read], count - most)

    def _ids(self, cleaned: str) -> list[int]:
        if len(cleaned) <= _PART:
            ids = self._tokens(cleaned)
        else:
            ids = [token for part in _AT_A_BLANK.findall(cleaned) for token in self._tokens(part)]
        if not ids:
            raise NothingToRead
        return ids

    def _tokens(self, part: str) -> list[int]:
        ids = self._known.ids(part) if self._known is not None else None
        if ids is not None:
            return ids
        found: list[int] = self._tokenizer.encode(part, add_special_tokens=False).ids
        return found

    def _framed(self, ids: list[int]) -> list[int]:
        return [self._start, *ids, self._end]
