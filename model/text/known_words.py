"""Most words of chat are in the vocabulary as they are: they are looked up, and only the others are taken apart.

What a text becomes is what the tokenizer itself makes of it, which is asked wherever there is a doubt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

_WORD = re.compile(r"[a-z0-9]+|[^a-z0-9 ]")
"""What BERT's splitting makes of printable ASCII in small letters: each sign is a word."""


class KnownWords:
    """The vocabulary of a tokenizer that reads plain English as BERT's does."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: Mapping[str, int]) -> None:
        """`vocabulary` are all the tokenizer's tokens with their numbers."""
        self._numbers = vocabulary
        self._model = tokenizer.model
        added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
        self._added = re.compile("|".join(map(re.escape, added)) or "(?!)")

    @classmethod
    def of(cls, tokenizer: Tokenizer, vocabulary: Mapping[str, int]) -> Self | None:
        """The known words of a tokenizer; None for one that may read plain English in another way."""
        normalizer, model = tokenizer.normalizer, tokenizer.model
        if not (
            isinstance(normalizer, BertNormalizer)
            and normalizer.lowercase
            and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
            and isinstance(model, WordPiece)
        ):
            return None
        added = tokenizer.get_added_tokens_decoder().values()
        if any(token.normalized or not token.content.isascii() for token in added):
            return None
        if max(map(len, vocabulary), default=0) > model.max_input_chars_per_word:  # one that would not be looked for
            return None
        return cls(tokenizer, vocabulary)

    def ids(self, text: str) -> list[int] | None:
        """The numbers of a text's tokens; None for a text that is not plain enough.

        Takes a tenth of the tokenizer's own time, which seeks each word from its end and notes where it stood.
        """
        if not (text.isascii() and text.isprintable()) or self._added.search(text):
            return None
        words = _WORD.findall(text.lower())
        found = list(map(self._numbers.get, words))
        ids: list[int] = []
        for word, number in zip(words, found, strict=True):
            if number is None:
                ids += [token.id for token in self._model.tokenize(word)]
            else:
                ids.append(number)
        return ids
