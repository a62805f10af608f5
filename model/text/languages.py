"""Languages by their codes of ISO 639, and by their names in English."""

from __future__ import annotations

from collections.abc import Iterable

ENGLISH = "en"

WIDESPREAD = {
    "es": "Spanish", "pt": "Portuguese", "fr": "French", "de": "German", "it": "Italian", "nl": "Dutch", "pl": "Polish",
    "tr": "Turkish", "sv": "Swedish", "id": "Indonesian", "ms": "Malay", "vi": "Vietnamese", "tl": "Tagalog",
    "fi": "Finnish", "da": "Danish", "nb": "Norwegian", "no": "Norwegian", "nn": "Norwegian", "cs": "Czech",
    "sk": "Slovak", "hu": "Hungarian", "ro": "Romanian", "hr": "Croatian", "bs": "Bosnian", "sr": "Serbian",
    "sl": "Slovenian", "ca": "Catalan", "gl": "Galician", "et": "Estonian", "lv": "Latvian", "lt": "Lithuanian",
    "is": "Icelandic", "sq": "Albanian", "af": "Afrikaans", "eu": "Basque", "hi": "Hindi", "sw": "Swahili",
    "jv": "Javanese", "su": "Sundanese", "ceb": "Cebuano", "az": "Azerbaijani", "uz": "Uzbek", "eo": "Esperanto",
}  # fmt: skip
"""Languages of the Latin script that many people type, by the codes of ISO 639."""

BY_SCRIPT = {
    "ja": "Japanese", "ko": "Korean", "zh": "Chinese", "uk": "Ukrainian", "sr": "Serbian", "ru": "Russian",
    "fa": "Persian", "ur": "Urdu", "ar": "Arabic", "hi": "Hindi", "el": "Greek", "he": "Hebrew", "th": "Thai",
    "bn": "Bengali", "ta": "Tamil", "ka": "Georgian", "hy": "Armenian",
}  # fmt: skip
"""Languages of other scripts, which tell them."""

CODES = {name: code for code, name in BY_SCRIPT.items()}

NAMES = {ENGLISH: "English", **WIDESPREAD, **BY_SCRIPT}


def names_of(codes: Iterable[str]) -> tuple[str, ...]:
    """Their names in English; a code without one is its own name."""
    return tuple(NAMES.get(code, code) for code in codes)
