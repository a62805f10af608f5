"""What people say in their own language when they mean "since then": a dozen ordinary phrases of each."""

import pytest

from bot.commands.mood.time_range import read_since
from bot.i18n import LANGUAGES, speaking
from bot.i18n.languages import ENGLISH
from tests.bot.commands.mood.test_time_range import BERLIN, NOW, local

DOTLESS = "\N{LATIN SMALL LETTER DOTLESS I}"
SAID = {
    "de": {
        "seit Montag": "2026-11-23T00:00",
        "seit gestern": "2026-11-24T00:00",
        "seit letztem Freitag": "2026-11-20T00:00",
        "seit drei Wochen": "2026-11-04T01:00",
        "letzte Woche": "2026-11-18T01:00",
        "die letzten zwei Wochen": "2026-11-11T01:00",
        "seit dem 1. November": "2026-11-01T00:00",
        "ab Donnerstag": "2026-11-19T00:00",
        "in den letzten 24 Stunden": "2026-11-24T01:00",
        "gestern Mittag": "2026-11-24T12:00",
        "seit Sonnabend": "2026-11-21T00:00",
        "seit Samstag um 20 Uhr": "2026-11-21T20:00",
        "seit dem 5.11.": "2026-11-05T00:00",
    },
    "es": {
        "desde el lunes": "2026-11-23T00:00",
        "desde ayer": "2026-11-24T00:00",
        "la semana pasada": "2026-11-18T01:00",
        "el viernes pasado": "2026-11-20T00:00",
        "desde hace 3 días": "2026-11-22T01:00",
        "hace dos semanas": "2026-11-11T01:00",
        "las últimas 24 horas": "2026-11-24T01:00",
        "en los últimos 7 días": "2026-11-18T01:00",
        "desde el 1 de noviembre": "2026-11-01T00:00",
        "a partir del jueves": "2026-11-19T00:00",
        "desde noviembre": "2026-11-01T00:00",
        "desde el pasado viernes": "2026-11-20T00:00",
    },
    "fr": {
        "depuis hier": "2026-11-24T00:00",
        "depuis avant-hier": "2026-11-23T00:00",
        "la semaine dernière": "2026-11-18T01:00",
        "vendredi dernier": "2026-11-20T00:00",
        "depuis trois jours": "2026-11-22T01:00",
        "il y a deux semaines": "2026-11-11T01:00",
        "ces dernières 24 heures": "2026-11-24T01:00",
        "au cours des 7 derniers jours": "2026-11-18T01:00",
        "depuis le 1er novembre": "2026-11-01T00:00",
        "à partir de jeudi": "2026-11-19T00:00",
        "dès jeudi": "2026-11-19T00:00",
        "depuis samedi à 20h30": "2026-11-21T20:00",
    },
    "ja": {
        "月曜日から": "2026-11-23T00:00",
        "先週から": "2026-11-18T01:00",
        "3日前から": "2026-11-22T01:00",
        "二週間前": "2026-11-11T01:00",
        "過去24時間": "2026-11-24T01:00",
        "この1週間": "2026-11-18T01:00",
        "ここ3日間": "2026-11-22T01:00",
        "11月1日以降": "2026-11-01T00:00",
        "木曜日以降": "2026-11-19T00:00",
        "一昨日から": "2026-11-23T00:00",
        "昨日の正午": "2026-11-24T12:00",
        "前の金曜日": "2026-11-20T00:00",
        "土曜日の20時30分": "2026-11-21T20:00",
    },
    "pl": {
        "od wczoraj": "2026-11-24T00:00",
        "od poniedziałku": "2026-11-23T00:00",
        "w zeszłym tygodniu": "2026-11-18T01:00",
        "od zeszłego tygodnia": "2026-11-18T01:00",
        "od zeszłego piątku": "2026-11-20T00:00",
        "od trzech dni": "2026-11-22T01:00",
        "dwa tygodnie temu": "2026-11-11T01:00",
        "w ciągu ostatnich 7 dni": "2026-11-18T01:00",
        "od 1 listopada": "2026-11-01T00:00",
        "od tygodnia": "2026-11-18T01:00",
        "od dwóch tygodni": "2026-11-11T01:00",
        "wczoraj w południe": "2026-11-24T12:00",
        "od soboty o 20:00": "2026-11-21T20:00",
    },
    "pt_BR": {
        "desde ontem": "2026-11-24T00:00",
        "desde segunda": "2026-11-23T00:00",
        "na semana passada": "2026-11-18T01:00",
        "sexta passada": "2026-11-20T00:00",
        "há duas semanas": "2026-11-11T01:00",
        "faz 3 dias": "2026-11-22T01:00",
        "três dias atrás": "2026-11-22T01:00",
        "nas últimas 24 horas": "2026-11-24T01:00",
        "nos últimos 7 dias": "2026-11-18T01:00",
        "desde o dia 1 de novembro": "2026-11-01T00:00",
        "a partir de quinta": "2026-11-19T00:00",
        "ontem ao meio-dia": "2026-11-24T12:00",
        "desde sábado às 20h": "2026-11-21T20:00",
    },
    "tr": {
        "dünden beri": "2026-11-24T00:00",
        "pazartesi gününden beri": "2026-11-23T00:00",
        "Pazartesi'den beri": "2026-11-23T00:00",
        f"sal{DOTLESS}dan itibaren": "2026-11-24T00:00",
        "geçen haftadan beri": "2026-11-18T01:00",
        "geçen pazartesi gününden beri": "2026-11-23T00:00",
        "üç gündür": "2026-11-22T01:00",
        f"bir haftad{DOTLESS}r": "2026-11-18T01:00",
        "son bir haftada": "2026-11-18T01:00",
        "son 24 saatte": "2026-11-24T01:00",
        "iki hafta önce": "2026-11-11T01:00",
        f"1 Kas{DOTLESS}m'dan beri": "2026-11-01T00:00",
        f"Kas{DOTLESS}m ay{DOTLESS}ndan beri": "2026-11-01T00:00",
        "cumartesi saat 20:00'den beri": "2026-11-21T20:00",
        "evvelsi günden beri": "2026-11-23T00:00",
    },
}
"""By language: what is typed on a Wednesday, and from when on it asks."""


@pytest.mark.parametrize("language", SAID)
def test_a_dozen_ordinary_phrases_of_a_language_are_understood(language):
    with speaking(language):
        read = {typed: read_since(typed, BERLIN, NOW).first_hour for typed in SAID[language]}
    assert read == {typed: local(start) for typed, start in SAID[language].items()}


def test_every_language_has_its_dozen():
    assert SAID.keys() == LANGUAGES.keys() - {ENGLISH}
    assert all(len(phrases) >= 12 for phrases in SAID.values())


ASKED = (
    "today",
    "yesterday",
    "monday",
    "sunday",
    "2026-11-05",
    "yesterday at 17:00",
    "nov 1 at 9:00",
    "1 hour",
    "3 hours",
    "1 day",
    "7 days",
    "1 week",
    "2 weeks",
    "1 month",
    "3 months",
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_bot_calls_a_time_can_be_typed_to_it(language):
    with speaking(language):
        called = {read_since(typed, BERLIN, NOW).words: read_since(typed, BERLIN, NOW).first_hour for typed in ASKED}
        assert {words: read_since(words, BERLIN, NOW).first_hour for words in called} == called
