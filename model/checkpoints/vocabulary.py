"""Whether a tokenizer.json is DistilBERT's kind, whose time grows with a text's length and with nothing else.

The library reads many more kinds. Some have regular expressions that one text in a million keeps busy for ever, long
after the model has passed its trial.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from model.checkpoints.files import parse_json
from model.errors import CheckpointError

_KINDS: dict[str, set[str | None]] = {
    "normalizer": {None, "BertNormalizer"},
    "pre_tokenizer": {None, "BertPreTokenizer"},
    "model": {"WordPiece"},
    "post_processor": {None, "BertProcessing", "TemplateProcessing"},
    "decoder": {None, "WordPiece"},
}
"""What may be there under each key."""

_LARGEST_REST = 1 << 18
"""Characters of all but the vocabulary; ours has 2,000."""

_LONGEST_WORD = 200
"""Characters that WordPiece tries to take apart, in a time that grows with their square."""

_LONGEST_PREFIX = 8
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def check_tokenizer(data: bytes, vocabulary: int | None) -> None:
    """Raises CheckpointError for another kind, or for a token whose number is not below `vocabulary`."""
    try:
        tokenizer = parse_json(data)
        numbers = list(_numbers(tokenizer))
        problem = _problem(tokenizer)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"tokenizer.json isn't a tokenizer: {str(error)[:200]}") from error
    if problem is None and not all(type(number) is int and 0 <= number < (vocabulary or 1 << 31) for number in numbers):
        problem = "has tokens that the network has no place for"
    if problem:
        raise CheckpointError(f"tokenizer.json {problem}; a BERT tokenizer is needed.")


def _numbers(tokenizer: Mapping[str, Any]) -> Iterator[object]:
    yield from tokenizer["model"]["vocab"].values()
    yield from (token["id"] for token in tokenizer.get("added_tokens") or [])


def _problem(tokenizer: dict[str, Any]) -> str | None:
    for part, kinds in _KINDS.items():
        found = tokenizer.get(part)
        kind = None if found is None else found["type"]
        if kind not in kinds:
            return f"has a {part} of the kind {str(kind)[:64] or 'unknown'}"
    model = tokenizer["model"]
    if missing := next((token for token in _SPECIAL if token not in model["vocab"]), None):
        return f"lacks {missing}"
    if not 1 <= model.get("max_input_chars_per_word", 100) <= _LONGEST_WORD:
        return "takes words apart that are too long"
    if len(model.get("continuing_subword_prefix", "##")) > _LONGEST_PREFIX:
        return "has a prefix that is too long"
    if strange := next((token for token in tokenizer.get("added_tokens") or [] if not token["content"]), None):
        return f"has an empty token, number {str(strange['id'])[:20]}"
    template = (tokenizer.get("post_processor") or {}).get("single") or []
    if sum("Sequence" in piece for piece in template) > 1:
        return "reads a text more than once"
    rest = {**tokenizer, "model": {**model, "vocab": {}}}
    return "has too much beside its vocabulary" if len(json.dumps(rest)) > _LARGEST_REST else None
