"""From a person's text to token windows."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from model.cleaning import clean, is_readable
from model.errors import CheckpointError, NothingToRead
from model.windows import split_windows


class Reader:
    """Cleans and tokenises. Not shared between threads: a tokenizer in use by two raises "Already borrowed"."""

    def __init__(self, tokenizer_file: Path, max_length: int) -> None:
        """`max_length` is a window's size in tokens, special tokens included.

        Raises CheckpointError when the file is not a tokenizer with [CLS] and [SEP].
        """
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        except Exception as error:  # the library raises bare Exception
            raise CheckpointError(f"{tokenizer_file.name} is not a tokenizer: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        start, end = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        if start is None or end is None:
            raise CheckpointError(f"{tokenizer_file.name} lacks [CLS] or [SEP]; a BERT tokenizer is needed.")
        self._start, self._end = start, end
        self._room = max_length - 2

    def read(self, text: str) -> list[list[int]]:
        """The text as windows of token ids, [CLS] and [SEP] included. Raises NothingToRead."""
        cleaned = clean(text)
        if not is_readable(cleaned):
            raise NothingToRead
        ids = self._tokenizer.encode(cleaned, add_special_tokens=False).ids
        if not ids:
            raise NothingToRead
        return [[self._start, *window, self._end] for window in split_windows(ids, self._room)]
