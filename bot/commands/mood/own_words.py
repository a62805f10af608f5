"""What people type about a time in their own language, in the English words that `time_range` reads.

dateparser knows the names of days, months and units in every language of the bot, in all their cases. What it lacks is
here: numbers as words, "last", "since" and the like. It only translates: what comes out is read by the same strict
rules as what is typed in English, and whatever stays as it was typed is not understood. So nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

_NEVER = "(?!)"
_DOTLESS = "\N{LATIN SMALL LETTER DOTLESS I}"
_SINCE = " beri| itibaren| bu yana"
_UNIT = f"(saat|gun|hafta|ay|y{_DOTLESS}l)"
_BEFORE_YESTERDAY = "the day before yesterday"
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Words:
    """Of a language, as regular expressions of whole words, in small letters and without accents.

    `kept` are times by themselves, with what they are in English; `numbers` those from 1 on; `last` says "last" before
    or after what it belongs to; what is `left_out` says nothing here; `changed` becomes what dateparser knows.
    """

    kept: Mapping[str, str]
    numbers: tuple[str, ...] = ()
    last: str = _NEVER
    left_out: str = _NEVER
    changed: Mapping[str, str] = field(default_factory=dict)


_LANGUAGES = {
    "de": _Words(
        kept={
            "heute": "today", "gestern": "yesterday", "vorgestern": _BEFORE_YESTERDAY, "jetzt": "now",
            "mittags?": "noon", "mitternacht": "midnight",
        },
        numbers=("eine?[mnrs]?", "zwei", "drei", "vier", "funf", "sechs", "sieben", "acht", "neun", "zehn"),
        last="(?:letzte|vergangene|vorige)[mnrs]?",
        left_out="in(?= de[nr] (?:letzt|vergangen|vorig))|seit|ab|am|dem|den|der|die|das",
        changed={"sonnabend": "samstag", r"(\d{1,2})[.:](\d\d) uhr": r"\1:\2", r"(\d{1,2}) ?uhr": r"\1:00"},
    ),
    "es": _Words(
        kept={
            "hoy": "today", "anteayer|antier|antes de ayer": _BEFORE_YESTERDAY, "ayer": "yesterday", "ahora": "now",
            "(?:a )?mediodia": "noon", "(?:a )?medianoche": "midnight",
        },
        numbers=("una?|uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"),
        last="pasad[oa]s?|ultim[oa]s?",
        left_out="a partir del?|desde|en l[ao]s|las(?= ultim)|el|la|los|al",
    ),
    "fr": _Words(
        kept={
            "aujourd'hui": "today", "avant[- ]hier": _BEFORE_YESTERDAY, "hier": "yesterday", "maintenant": "now",
            "midi": "noon", "minuit": "midnight",
        },
        numbers=("une?", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"),
        last="derni(?:er|ere)s?|passee?s?",
        left_out="a partir d[eu]|au cours des?|sur|depuis|des|le|la|les|ces",
        changed={r"(\d{1,2}) ?h ?(\d\d)": r"\1:\2", r"(\d{1,2}) ?h": r"\1:00"},
    ),
    "ja": _Words(
        kept={
            "一昨日|おととい": _BEFORE_YESTERDAY, "今日|きょう": "today", "昨日|きのう": "yesterday", "正午": "noon",
            "今すぐ|今|いま": "now",
        },
        numbers=tuple(f"{number}(?=[日週か時年])" for number in "一二三四五六七八九"),
        last="過去|直近|最近|前回",
        left_out="(?:この|ここ)(?=[0-9])|から|以来|以降|の|に",
        changed={
            "この前の?": "前回",
            "前の(?=[月火水木金土日]曜)": "前回",
            "([月火水木金土日])曜(?!日)": r"\1曜日",
            "([0-9])[ヶヵケカ箇]月": r"\1か月", "(か月|年)間": r"\1",
        },
    ),
    "pl": _Words(
        kept={
            "dzis|dzisiaj": "today", "wczoraj": "yesterday", "przedwczoraj": _BEFORE_YESTERDAY, "teraz": "now",
            "południe": "noon", "połnoc": "midnight",
        },
        numbers=(
            "jeden|jedna|jedno", "dwa|dwie|dwoch", "trzy|trzech", "cztery|czterech", "piec(?:iu)?", "szesc(?:iu)?",
            "siedem|siedmiu", "osiem|osmiu", "dziewiec(?:iu)?", "dziesiec(?:iu)?",
        ),
        last="ostatni(?:a|e|ego|ej|ch)?|(?:zeszł|ubiegł)(?:y|a|e|ego|ej|ym)",
        left_out=r"w ciagu|godz\.?(?= )|od|w|we|o",
        changed={
            "poniedziałku": "poniedziałek", "wtorku": "wtorek", "srody": "sroda", "czwartku": "czwartek",
            "piatku": "piatek", "soboty": "sobota", "niedzieli": "niedziela", "tygodni[au]": "tydzien",
            "dob[aey]": "dzien", "roku": "rok",
        },
    ),
    "pt_BR": _Words(
        kept={
            "hoje": "today", "anteontem|antes de ontem": _BEFORE_YESTERDAY, "ontem": "yesterday", "agora": "now",
            "meio[- ]dia": "noon", "meia[- ]noite": "midnight",
        },
        numbers=("uma?", "dois|duas", "tres", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez"),
        last="passad[oa]s?|ultim[oa]s?",
        left_out=r"a partir d[aeo]|desde|faz|dia(?= \d)|o|a|os|as|nas?|nos?|ao",
        changed={
            "de (.+) para ca": r"\1", r"(\d{1,2}) ?h ?(\d\d)": r"\1:\2", r"(\d{1,2}) ?h": r"\1:00",
        },
    ),
    "tr": _Words(
        kept={
            "bugun(?:den)?": "today", "(?:evvelsi|onceki|evvelki) gun(?:den)?": _BEFORE_YESTERDAY,
            "dun(?:den)?": "yesterday", "simdi": "now", "oglen?": "noon", f"gece yar{_DOTLESS}s{_DOTLESS}": "midnight",
        },
        numbers=("bir", "iki", "uc", "dort", "bes", f"alt{_DOTLESS}", "yedi", "sekiz", "dokuz", "on"),
        last="gecen|son|gectigimiz",
        left_out=r"beri|itibaren|bu yana|gunu|saat(?= \d)",
        changed={
            rf" ?(?:gunu|ay{_DOTLESS}|tarihi|saati)n?d[ae]n(?={_SINCE})": "", rf"(\w+)'[dt][ae]n(?={_SINCE})": r"\1",
            rf"(\w{{3,}}?)[dt][ae]n(?={_SINCE})": r"\1", rf"{_UNIT}[dt][{_DOTLESS}iu]r": r"\1",
            rf"((?:son|gectigimiz) (?:\w+ )?){_UNIT}[dt][ae]": r"\1\2",
        },
    ),
}  # fmt: skip
"""By the names of the catalogues."""

_MONTH = "(?P<month>1[0-2]|0?[1-9])"
_DAY_FIRST = rf"(?<![\d.:/])(?P<day>\d{{1,2}})[./]{_MONTH}(?:[./](?P<year>\d{{4}})|\.?)(?![\d:/])"
_YEAR_FIRST = rf"(?<![\d/])(?:(?P<year>\d{{4}})[/年])?{_MONTH}[/月](?P<day>\d{{1,2}})日?(?![\d/])"
"""Dates in numbers: every language of the bot but English has only one order for them."""

_UNSPACED = "ja"


def in_english(text: str, language: str) -> str:
    """What is typed, in English and small letters as far as it is understood; the rest of it stays.

    It takes some tens of milliseconds the first time: not for the event loop.
    """
    words = _LANGUAGES.get(language)
    if words is None:
        return text
    asked = _plain(text, language)
    for typed, known in words.changed.items():
        asked = re.sub(_whole(typed, language), known, asked)
    for number, typed in enumerate(words.numbers, 1):
        asked = re.sub(_whole(typed, language), str(number), asked)
    asked = re.sub(_whole(words.left_out, language), " ", asked).strip()
    if asked.startswith("in "):  # what is to come; dateparser leaves it out where it belongs to English
        return asked
    dates = _YEAR_FIRST if language == _UNSPACED else _DAY_FIRST
    kept = [*words.kept.items(), (words.last, "last")]
    patterns = [f"(?P<t{number}>{_whole(typed, language)})" for number, (typed, _) in enumerate(kept)]
    said: list[str] = []
    end = 0
    for found in re.finditer("|".join((dates, *patterns)), asked):
        said.append(_translated(asked[end : found.start()], language))
        said.append(_date(found) if found["day"] else kept[int((found.lastgroup or "")[1:])][1])
        end = found.end()
    said.append(_translated(asked[end:], language))
    english = " ".join(" ".join(said).split())
    english = re.sub(r"^(\d+) last (\w+)$", r"last \1 \2", english)
    return re.sub(r"^(?=(?:hour|day|week|month|year) ago$)", "1 ", re.sub(r"^(\S+) last\b", r"last \1", english))


def _plain(text: str, language: str) -> str:
    """In small letters and without accents, but for Japanese, where marks beside a letter make another one of it."""
    if language == _UNSPACED:
        return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if language == "tr":
        text = text.replace("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "i").replace("I", _DOTLESS)
    text = re.sub("[ºª°]", "", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def _whole(typed: str, language: str) -> str:
    return f"(?:{typed})" if language == _UNSPACED else rf"(?<!\w)(?:{typed})(?!\w)"


def _date(found: re.Match[str]) -> str:
    month = _MONTHS[int(found["month"]) - 1]
    return f"{month} {found['day']} {found['year']}" if found["year"] else f"{month} {found['day']}"


def _translated(text: str, language: str) -> str:
    from dateparser.conf import settings
    from dateparser.languages.loader import default_loader

    text = re.sub(r"(?<=\d)\.(?= )", "", text)
    locale = default_loader.get_locale(language.partition("_")[0])
    return str(locale.translate(text, settings=settings)) if text.strip() else ""
