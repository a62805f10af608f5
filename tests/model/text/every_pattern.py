"""Cleaning as it is written down: every pattern is tried on every text, none is spared because nothing calls for it.

It is what the quick way of `model.text` is held against, pass by pass.
"""

from __future__ import annotations

import re

from model.text import cleaning, emoji_words, emoticons, letters, markup, ratings, sarcasm
from model.text.bounds import without_repetition

HANDLE = re.compile(r"(?<![\w@.])@(?!user\b|role\b)\w{1,32}")
EMOJI_RUN = re.compile(
    rf"(?:[#*0-9]\ufe0f?\u20e3|[{emoji_words._CHARACTER}][{emoji_words._JOINTS}]*)"
    rf"(?:\s*(?:[{emoji_words._CHARACTER}{emoji_words._JOINTS}]|[#*0-9]\ufe0f?\u20e3)+)*"
)


def cleaned_once(text: str) -> str:
    """One round of cleaning."""
    text = cleaning._without_blocks(cleaning._UNSPEAKABLE.sub(" ", text))
    text = emoji_words.open_shortcodes(with_emoticons_named(text))
    if not text.isascii():
        text = cleaning._normalise(text)
    text = ratings.name_ratings(without_markup(with_signs_undone(text)))
    text = with_letters_joined(with_sarcasm_marked(text))
    text = cleaning._STRETCH.sub(r"\1\1\1", text)
    return " ".join(without_repetition(text, text.split()))


def with_emoticons_named(text: str) -> str:
    """`name_emoticons`."""
    if emoticons.hold_emoticons(text.split()):
        text = emoticons._letters_pattern().sub(emoticons._meaning, text)
    for spaced in emoticons._spaced():
        text = text.replace(spaced, f" {emoticons._senses()[spaced]} ")
    return emoticons._SIGNED.sub(_meaning, text)


def _meaning(word: re.Match[str]) -> str:
    typed, senses = word[0], emoticons._senses()
    if typed in senses:
        return typed if typed in emoticons._DRIVES and emoticons._is_drive(word) else f" {senses[typed]} "
    if len(typed) > emoticons._LONGEST or emoticons._SCHEME.match(typed):
        return typed
    if typed[0].isalnum() and typed[0].isascii():
        if (bare := emoticons._bare(typed)) in senses:
            return f" {senses[bare]} {typed[len(bare) :]}"
        return emoticons._attached_pattern().sub(emoticons._meaning, typed)
    return emoticons._pattern().sub(emoticons._meaning, typed)


def without_disguise(text: str) -> str:
    """`unmask`."""
    text = letters._ENCLOSED_RUN.sub(letters._spelled, text).translate(letters._SMALL_CAPITALS)
    return letters._MIXED_WORD.sub(letters._in_one_script, text)


def with_signs_undone(text: str) -> str:
    """`undo_signs`."""
    return letters._LEET_WORD.sub(letters._without_digits, letters._DOTTED.sub(letters._joined, text))


def without_markup(text: str) -> str:
    """`drop_markup`."""
    text = markup._HTML_TAG.sub(" ", text)
    text = markup._CUSTOM_EMOJI.sub(lambda match: f" {emoji_words.spoken_name(match[1])} ", text)
    text = markup._ROLE_MENTION.sub(f" {markup.ROLE} ", text)
    text = markup._USER_MENTION.sub(f" {markup.USER} ", text)
    text = markup._CHANNEL_MENTION.sub(f" {markup.CHANNEL} ", text)
    text = markup._COMMAND_MENTION.sub(r" /\1 ", text)
    text = markup._TIMESTAMP.sub(" time ", text)
    text = markup._MASKED_LINK.sub(r" \1 ", text)
    text = markup._LINK.sub(f" {markup.LINK} ", text)
    text = HANDLE.sub(f" {markup.USER} ", text)
    text = markup._ESCAPE.sub(r"\1", text)
    text = markup._SPOILER_BARS.sub(" ", text)
    text = markup._SPECIAL_TOKEN.sub(r"[ \1 ]", text)
    text = markup._BOLD_INSIDE.sub(r"\2", text)
    return markup._MARKDOWN.sub("", text)


def with_sarcasm_marked(text: str) -> str:
    """`mark_sarcasm`, of which only the look for capitals by turns is spared."""
    marked = sarcasm.mark_sarcasm(text)
    mocks = marked == text and sarcasm._MOCKING.search(text) and sarcasm._is_mocking(text)
    return sarcasm.mark_sarcasm(text.lower()) if mocks else marked


def with_letters_joined(text: str) -> str:
    """`join_letters`."""
    lengths = list(map(len, text.split()))
    if lengths.count(1) > 2:
        text = letters._SPACED.sub(letters._joined, text)
    if max(lengths, default=0) >= letters.SHORTEST_PHRASE or "#" in text:
        text = letters._RUN_TOGETHER.sub(letters._apart, text)
    return text


def is_readable(cleaned: str) -> bool:
    """`is_readable`."""
    return cleaning._SUBSTANCE.search(cleaning._PLACEHOLDER.sub(" ", cleaned)) is not None
