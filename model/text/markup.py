"""Discord's markup as words, or gone."""

from __future__ import annotations

import re

from model.text.emoji_words import spoken_name

LINK = "http"
USER = "@user"
ROLE = "@role"
CHANNEL = "#channel"

_HTML_TAG = re.compile(r"</?(?:br|p|i|b|em|strong|hr)\s?/?>", re.IGNORECASE)
_CUSTOM_EMOJI = re.compile(r"<a?:(\w{1,64}):\d{1,24}>")
_ROLE_MENTION = re.compile(r"<@&\d{1,24}>")
_USER_MENTION = re.compile(r"<@!?\d{1,24}>")
_CHANNEL_MENTION = re.compile(r"<#\d{1,24}>|<id:[a-z]{1,24}>")
_COMMAND_MENTION = re.compile(r"</([^:<>\n]{1,100}):\d{1,24}>")
_TIMESTAMP = re.compile(r"<t:-?\d{1,20}(?::[a-zA-Z])?>")
_MASKED_LINK = re.compile(
    r"\[([^\[\]\n]{1,300}+)\]\(<?https?://[^\s()]{1,2000}+(?:\([^\s()]{0,2000}+\))?+[^\n()]{0,300}+\)"
)
_LINK = re.compile(r"<?\b(?:https?://|www\.|discord\.gg/)[^\s<>|]+>?", re.IGNORECASE)
_HANDLE = re.compile(r"@(?<![\w@.]@)(?!user\b|role\b)\w{1,32}")
_SPOILER_BARS = re.compile(r"\|{2,}")
_BOLD_INSIDE = re.compile(r"(?<=[^\W_])(\*{2,3})([^\W_]{1,40}+)\1(?=[^\W_])")
_SPECIAL_TOKEN = re.compile(r"\[(MASK|SEP|CLS|PAD|UNK)\]")
"""What the tokenizer has a meaning of its own for, when a person types it."""

_MARKDOWN = re.compile(
    r"(?<![\w*])\*{2,}|(?<!\*)\*{2,}(?![\w*])|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])|~{2,}|`+"
    r"|(?<!\w)_{1,3}(?=\w)|(?<=\w)_{1,3}(?!\w)|^[^\S\n]*(?:(?:#{1,3}|-#)[^\S\n]+)+",
    re.MULTILINE,
)
_HEADING = re.compile(r"#[^\S\n]")
_ESCAPE = re.compile(r"\\([*_~`|>#\\:()\[\]\-])")


def drop_markup(text: str) -> str:
    """`text` without markup.

    Most texts have none: each pattern is tried only where there is a character that it cannot do without.
    """
    if "<" in text:
        text = _HTML_TAG.sub(" ", text)
        text = _CUSTOM_EMOJI.sub(lambda match: f" {spoken_name(match[1])} ", text)
        text = _ROLE_MENTION.sub(f" {ROLE} ", text)
        text = _USER_MENTION.sub(f" {USER} ", text)
        text = _CHANNEL_MENTION.sub(f" {CHANNEL} ", text)
        text = _COMMAND_MENTION.sub(r" /\1 ", text)
        text = _TIMESTAMP.sub(" time ", text)
    if "](" in text:
        text = _MASKED_LINK.sub(r" \1 ", text)
    if "://" in text or ("." in text and ("www." in (lowered := text.lower()) or ".gg/" in lowered)):
        text = _LINK.sub(f" {LINK} ", text)
    if "@" in text:
        text = _HANDLE.sub(f" {USER} ", text)
    if "\\" in text:
        text = _ESCAPE.sub(r"\1", text)
    if "||" in text:
        text = _SPOILER_BARS.sub(" ", text)
    if "[" in text:
        text = _SPECIAL_TOKEN.sub(r"[ \1 ]", text)
    if "**" in text:
        text = _BOLD_INSIDE.sub(r"\2", text)
    if "*" in text or "_" in text or "~~" in text or ("#" in text and _HEADING.search(text)):
        return _MARKDOWN.sub("", text)
    return text.replace("`", "")
