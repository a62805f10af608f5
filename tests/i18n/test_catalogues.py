"""The catalogues: whole, up to date, and such that nothing a translation says can break what is put into it."""

import ast
import re
import unicodedata
from collections import Counter
from gettext import c2py
from string import Formatter

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.plurals import get_plural

from bot.i18n.languages import DISCORD, ENGLISH, LANGUAGES
from bot.link.command_translator import _NAME, LONGEST
from tests.catalogues import COMMANDS, KEYWORDS, as_mo, as_po, is_done, po_of, read, updated
from tests.i18n.test_texts_are_marked import called, calls, modules, parents_of

ALL = pytest.mark.parametrize("language", DISCORD)


@pytest.fixture(scope="module")
def catalogues():
    """Each language's catalogue as people have written it."""
    return {language: read(language) for language in DISCORD}


def texts_of(message):
    """A message's English forms and its translations, each as a tuple."""
    english = message.id if isinstance(message.id, tuple) else (message.id,)
    translated = message.string if isinstance(message.string, tuple) else (message.string,)
    return english, translated


def translated(catalogue):
    """What has been translated: message, its English (of several, the last) and one of its forms with its place."""
    for message in catalogue:
        english, forms = texts_of(message)
        for place, form in enumerate(forms):
            if message.id and form and not message.fuzzy:
                yield message, english[-1], place, form


def listed(problems):
    """Asserts that there are none."""
    found = list(problems)
    assert not found, "\n".join(map(str, found))


def test_there_is_a_catalogue_for_every_language_and_no_other():
    assert {path.name for path in po_of("de").parents[2].iterdir()} == {*DISCORD} == {*LANGUAGES} - {ENGLISH}


@ALL
def test_every_text_is_translated_and_looked_at(catalogues, language):
    listed(
        f"{'fuzzy' if message.fuzzy else 'missing'}: {message.id!r}"
        for message in catalogues[language]
        if message.id and not is_done(message)
    )


@ALL
def test_the_file_of_a_language_is_what_the_code_says_today(template, language):
    """`python -m tests.catalogues` makes it so."""
    known = {(message.context, message.id) for message in read(language) if message.id}
    wanted = {(message.context, message.id) for message in template if message.id}
    listed(f"not in the file: {one}" for one in sorted(wanted - known, key=str))
    listed(f"not in the code: {one}" for one in sorted(known - wanted, key=str))
    assert po_of(language).read_bytes() == as_po(updated(language, template))


@ALL
def test_what_the_bot_reads_is_made_of_what_people_have_written(language):
    """`python -m tests.catalogues` makes it so."""
    assert po_of(language).with_suffix(".mo").read_bytes() == as_mo(read(language))


def test_commands_are_in_backticks_so_that_each_reader_gets_their_own_names(template):
    texts = [text for message in template if message.id for text in texts_of(message)[0]]
    listed(text for text in texts if re.search(r"(?<![\w<.:/])/[a-z]{3,}", re.sub(r"`[^`]*`", "", text)))


def put_in(text):
    """The names in braces, each with how it is written."""
    return Counter(
        (name, spec, conversion) for _, name, spec, conversion in Formatter().parse(text) if name is not None
    )


def test_what_is_put_into_english_texts_has_a_name_and_the_one_format_that_there_is(template):
    for message in template:
        for text in texts_of(message)[0] if message.id else ():
            if "{" in text:
                assert all(
                    name.isidentifier() and spec in ("", ",") and conversion is None
                    for name, spec, conversion in put_in(text)
                ), text


def only_for_one(expression, place):
    """Whether that form of a language is for the number 1 alone."""
    form_of = c2py(expression)
    return [number for number in range(202) if form_of(number) == place] == [1]


def never_of_none(message, place):
    """Whether a form that is for 0 as well is of a text that says no number for one, so that 0 never comes to it."""
    return place == 0 and not any(name == "count" for name, *_ in put_in(message[0]))


@ALL
def test_the_same_is_put_into_a_translation(catalogues, language):
    """Where a form is for one alone the number may be left out, as in "a message"."""
    expression = get_plural(language).plural_expr
    wrong = []
    for message, english, place, form in translated(catalogues[language]):
        wanted, found = put_in(english), put_in(form)
        if isinstance(message.id, tuple) and (only_for_one(expression, place) or never_of_none(message.id, place)):
            without = Counter({one: number for one, number in wanted.items() if one[0] != "count"})
            if found in (without, put_in(message.id[0])):
                continue
        if found != wanted:
            wrong.append(f"{form!r} for {english!r}")
    listed(wrong)


KEPT = {
    "lines": re.compile(r"\n"),
    "points": re.compile(r"^- ", re.MULTILINE),
    "headings and small print": re.compile(r"^(?:#{1,3}|-#|>) ", re.MULTILINE),
    "bold": re.compile(r"\*\*"),
    "underlined": re.compile(r"__"),
    "commands, options and other code": re.compile(r"`[^`]*`"),
    "mentions and times": re.compile(r"<(?:[@#][!&]?|t:)\{?\w+\}?(?::\w)?>"),
    "addresses": re.compile(r"\w+://[^\s)>`]+|\]\([^)]*\)"),
}
"""What is the same in every language, by what it is called."""


@ALL
@pytest.mark.parametrize("what", KEPT)
def test_a_translation_keeps(catalogues, language, what):
    listed(
        f"{form!r} for {english!r}"
        for _, english, _, form in translated(catalogues[language])
        if Counter(KEPT[what].findall(form)) != Counter(KEPT[what].findall(english))
    )


@ALL
def test_a_translation_keeps_its_signs_and_the_space_around_it(catalogues, language):
    def signs(text):
        return Counter(sign for sign in text if unicodedata.category(sign) == "So")

    def around(text):
        return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]

    listed(
        f"{form!r} for {english!r}"
        for _, english, _, form in translated(catalogues[language])
        if signs(form) != signs(english) or around(form) != around(english)
    )


@ALL
def test_no_sentence_is_left_in_english(catalogues, language):
    listed(
        repr(form)
        for _, english, _, form in translated(catalogues[language])
        if form == english and len(re.findall(r"[A-Za-z]{2,}", re.sub(r"`[^`]*`|\{\w+[:,]*\}", "", english))) > 3
    )


@ALL
def test_there_are_as_many_forms_as_the_language_has_numbers(catalogues, language):
    forms = get_plural(language)
    catalogue = catalogues[language]
    assert (catalogue.num_plurals, catalogue.plural_expr) == (forms.num_plurals, forms.plural_expr)
    listed(message.id for message in catalogue if message.pluralizable and len(message.string) != forms.num_plurals)
    categories = {Locale.parse(language).plural_form(number) for number in (*range(1000), 10**6)}
    assert forms.num_plurals == len(categories)


# ---- what Discord takes


@ALL
def test_names_of_commands_and_options_are_such_that_discord_takes_them(catalogues, language):
    listed(
        f"{form!r} for {english!r}"
        for message, english, _, form in translated(catalogues[language])
        if (message.context in ("command", "option") and not (_NAME.fullmatch(form) and form == form.lower()))
        or (message.context == "menu" and len(form) > 32)
    )


@ALL
def test_descriptions_and_choices_are_short_enough(catalogues, language):
    listed(
        f"{len(form)}: {form!r} for {english!r}"
        for message, english, _, form in translated(catalogues[language])
        if any(file == COMMANDS for file, _ in message.locations) and len(form) > LONGEST
    )


MOST = {
    ("Button", "label"): 80,
    ("Select", "placeholder"): 150,
    ("ChannelSelect", "placeholder"): 150,
    ("RoleSelect", "placeholder"): 150,
    ("SelectOption", "label"): 100,
    ("SelectOption", "description"): 100,
    ("add_option", "label"): 100,
    ("Choice", "name"): 100,
    ("Modal", "title"): 45,
    ("TextInput", "label"): 45,
    ("TextInput", "placeholder"): 100,
    ("Label", "text"): 45,
    ("Label", "description"): 100,
    ("Embed", "title"): 256,
    ("Embed", "description"): 4096,
    ("add_field", "name"): 256,
    ("add_field", "value"): 1024,
    ("set_footer", "text"): 2048,
    ("send_message", "content"): 2000,
}
"""Characters that Discord takes (https://discord.com/developers/docs/components/reference and .../resources/message),
by what is called and what the text is given as."""

PUT_IN = 12
"""Characters that are taken for what is put into a text, such as a number or a mention."""


def kept_texts(tree):
    """The texts that a module keeps under a name, for `gettext(NAME)`."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and called(node.value) == "N_" and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = next(said_in(node.value, {}))
    return found


def said_in(value, kept):
    """The texts that gettext is asked for in an expression."""
    for call in calls(value, KEYWORDS):
        place = 1 if called(call) in ("pgettext", "npgettext") else 0
        many = called(call) in ("ngettext", "npgettext")
        for text in call.args[place : place + 1 + many]:
            if isinstance(text, ast.Constant):
                yield text.value
            elif isinstance(text, ast.Name) and text.id in kept:
                yield kept[text.id]


def limits():
    """By English text, how many characters Discord takes where the code hands it over directly."""
    found = {}
    for _, tree in modules():
        kept, parents = kept_texts(tree), parents_of(tree)
        named = _texts_of_names(tree, kept)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            what = called(call)
            if what == "__init__":
                what = _base_of(call, parents)
            for keyword in call.keywords:
                if (most := MOST.get((what, keyword.arg or ""))) is None:
                    continue
                names = [part.id for part in ast.walk(keyword.value) if isinstance(part, ast.Name)]
                for text in (*said_in(keyword.value, kept), *(one for name in names for one in named.get(name, ()))):
                    found[text] = min(most, found.get(text, most))
    return found


def _texts_of_names(tree, kept):
    """The texts of names that are given one on the way, as in `label = gettext("Why?")`."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and called(node.value) in KEYWORDS:
            found.setdefault(node.targets[0].id, []).extend(said_in(node.value, kept))
    return found


def _base_of(call, parents):
    """What a class is made of whose `super().__init__` is called."""
    above = call
    while above is not None and not isinstance(above, ast.ClassDef):
        above = parents.get(above)
    names = [getattr(base, "attr", "") for base in above.bases] if above is not None else []
    return next((name for name in names if name in {"Modal", "Button", "Select"}), "")


def length(text):
    """Of a text with what is put into it."""
    return len(re.sub(r"\{\w+[:,]*\}", "x" * PUT_IN, text))


def test_of_some_texts_it_is_known_where_they_go():
    known = limits()
    assert known["Why?"] == 80
    assert known["Pick one"] == 150
    assert known["It was right after all"] == 100
    assert known["How good is it?"] == 256
    assert len(known) > 10


@ALL
def test_what_is_shown_in_little_room_fits_there(catalogues, language):
    most = limits()
    listed(
        f"{length(form)} characters of {most[english]}: {form!r} for {english!r}"
        for message, _, _, form in translated(catalogues[language])
        for english in texts_of(message)[0]
        if length(form) > most.get(english, 10**6)
    )


def test_english_fits_too():
    listed(f"{text!r}" for text, most in limits().items() if length(text) > most)


# ---- that all this finds something

NAMED = "Now watching {place}."
COUNTED = ("{count:,} message", "{count:,} messages")


@pytest.mark.parametrize(
    ("check", "english", "wrong", "right"),
    [
        (test_every_text_is_translated_and_looked_at, NAMED, "", "Ich lese {place}."),
        (test_every_text_is_translated_and_looked_at, COUNTED, ("{count:,} Nachricht", ""), ("a", "b")),
        (test_the_same_is_put_into_a_translation, NAMED, "Ich lese hier.", "Ich lese {place}."),
        (test_the_same_is_put_into_a_translation, NAMED, "Ich lese {Ort}.", "{place} lese ich."),
        (test_the_same_is_put_into_a_translation, "{count:,} in all", "{count} in allen", "in allen {count:,}"),
        (test_the_same_is_put_into_a_translation, COUNTED, ("eine", "viele"), ("eine", "{count:,} Nachrichten")),
        (test_the_same_is_put_into_a_translation, COUNTED, ("{n}", "{count:,}"), ("{count:,} eine", "{count:,}")),
        (test_a_translation_keeps_its_signs_and_the_space_around_it, "✅ Fine", "Gut", "✅ Gut"),
        (test_a_translation_keeps_its_signs_and_the_space_around_it, " and more", "und mehr", " und mehr"),
        (test_no_sentence_is_left_in_english, "I read it every day.", "I read it every day.", "Ich lese es."),
    ],
)
def test_what_is_wrong_is_found(check, english, wrong, right):
    for string, is_right in ((wrong, False), (right, True)):
        catalogue = Catalog(locale="de")
        catalogue.add(english, string)
        if is_right:
            check({"de": catalogue}, "de")
        else:
            with pytest.raises(AssertionError):
                check({"de": catalogue}, "de")


@pytest.mark.parametrize(
    ("what", "english", "wrong"),
    [
        ("lines", "One.\nTwo.", "Eins. Zwei."),
        ("points", "- One", "Eins"),
        ("headings and small print", "-# One", "Eins"),
        ("bold", "**One** two", "Eins zwei"),
        ("commands, options and other code", "Use `/help`.", "Nutze `/hilfe`."),
        ("mentions and times", "since <t:{at}:R> or so", "seit {at}"),
        ("addresses", "at https://example.com/", "bei https://example.com/de"),
    ],
)
def test_what_is_not_kept_is_found(what, english, wrong):
    catalogue = Catalog(locale="de")
    catalogue.add(english, wrong)
    with pytest.raises(AssertionError):
        test_a_translation_keeps({"de": catalogue}, "de", what)


@pytest.mark.parametrize(
    ("check", "context", "english", "wrong"),
    [
        (test_names_of_commands_and_options_are_such_that_discord_takes_them, "command", "help", "Hilfe"),
        (test_names_of_commands_and_options_are_such_that_discord_takes_them, "option", "text", "ein text"),
        (test_names_of_commands_and_options_are_such_that_discord_takes_them, "command", "help", "h" * 33),
        (test_names_of_commands_and_options_are_such_that_discord_takes_them, "menu", "Check it", "P" * 33),
        (test_descriptions_and_choices_are_short_enough, None, "Only for you", "n" * 101),
        (test_what_is_shown_in_little_room_fits_there, None, "Take it back", "n" * 81),
    ],
)
def test_what_discord_would_not_take_is_found(check, context, english, wrong):
    catalogue = Catalog(locale="de")
    catalogue.add(english, wrong, context=context, locations=[(COMMANDS, 0)])
    with pytest.raises(AssertionError):
        check({"de": catalogue}, "de")
