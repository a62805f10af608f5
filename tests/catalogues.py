"""What the bot says in other languages: `python -m tests.catalogues` gathers the texts and makes the catalogues anew.

Texts are gathered from the code (what is in `gettext` and its kin) and from the commands as they are registered. Each
`.po` keeps the translations it has; what is new is empty there, what is gone is taken out, and what has changed a
little is marked fuzzy, which is English until somebody has looked at it. The `.mo` beside it is what the bot reads.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from discord import app_commands

from bot.app.assemble import assemble
from bot.i18n import LANGUAGES
from bot.i18n.catalogue import DOMAIN, FOLDER
from bot.i18n.languages import ENGLISH
from bot.link.command_translator import name_kind
from bot.settings import Settings
from bot.storage.open_storage import open_storage
from model import Classifier

ROOT = Path(__file__).parents[1]
KEYWORDS = {
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "N_": None,
}
PASSING = ("POT-Creation-Date", "PO-Revision-Date", "Last-Translator", "Generated-By", "Report-Msgid")
"""Lines of a catalogue's head that say when, by whom and by what it was made: they would change with every making."""

COMMANDS = "commands"
"""Where a text of a command is, for translators."""

COMMENT_TAGS = ("Translators:",)
"""How a comment in the code begins that stands above a text and says more of it to translators."""


class _Recorder(app_commands.Translator):
    """Takes down what discord.py asks for."""

    def __init__(self):
        self.texts: dict[tuple[str | None, str], None] = {}

    async def translate(self, string, locale, context):
        if string.message not in LANGUAGES.values():  # each is called what it calls itself, whoever reads it
            self.texts[name_kind(context), string.message] = None


async def command_texts():
    """Kind and text of all that the commands for everybody show, in the order in which they are registered."""
    recorder = _Recorder()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder))
        async with await Classifier.open("bundled") as classifier, open_storage(settings) as storage:
            client = assemble(settings, classifier, storage)
            for feature in client.features:
                for cog in feature.cogs:
                    await client.add_cog(cog)
                for menu in feature.menus:
                    client.tree.add_command(menu)
            for command in client.tree.get_commands():
                await command.get_translated_payload(client.tree, recorder)
            await client.close()
    return list(recorder.texts)


def gathered(commands):
    """An empty catalogue with every text."""
    template = Catalog(project="Vibecheck", charset="utf-8")
    for path, _, message, comments, context in extract_from_dir(
        str(ROOT / "bot"), [("**.py", "python")], keywords=KEYWORDS, comment_tags=COMMENT_TAGS, strip_comment_tags=True
    ):
        template.add(message, locations=[(f"bot/{path}", 0)], auto_comments=comments, context=context)
    for kind, text in commands:
        template.add(text, locations=[(COMMANDS, 0)], context=kind)
    return template


def po_of(language):
    return FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language):
    """A language's catalogue as people have written it; an empty one where there is none yet."""
    path = po_of(language)
    if not path.exists():
        return Catalog(locale=language, project="Vibecheck", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language, template):
    """The catalogue as it should be: every text of the template and no other."""
    catalogue = read(language)
    catalogue.update(template, no_fuzzy_matching=False, update_creation_date=False)
    catalogue.obsolete.clear()
    for message in catalogue:
        if message.fuzzy and not any(forms(message)):  # like one that isn't translated either
            message.flags.discard("fuzzy")
    return catalogue


def as_po(catalogue):
    """The bytes of the file that people edit; it says nothing of when or by whom it was made."""
    catalogue.project, catalogue.version, catalogue.fuzzy = "Vibecheck", "", False
    catalogue.header_comment = f"# {LANGUAGES[str(catalogue.locale)]}, by those who write Vibecheck."
    output = io.BytesIO()
    write_po(output, catalogue, width=110, include_lineno=False, omit_header=False, sort_by_file=True)
    passing = tuple(f'"{name}'.encode() for name in PASSING)
    return b"".join(line for line in output.getvalue().splitlines(keepends=True) if not line.startswith(passing))


class _Messages(list[Message]):
    """What of a catalogue is written into the file that is read."""

    charset = "utf-8"


def as_mo(catalogue):
    """The bytes of the file that the bot reads; of one catalogue always the same."""
    head, *messages = catalogue
    lasting = [line for line in str(head.string).splitlines() if not line.startswith(PASSING)]
    output = io.BytesIO()
    write_mo(output, _Messages([Message("", "\n".join(lasting)), *messages]))  # type: ignore[arg-type]
    return output.getvalue()


def is_done(message):
    """Whether a text is translated, in all its forms, and somebody has looked at it; the head is none."""
    return bool(message.id) and all(forms(message)) and not message.fuzzy


def forms(message):
    """The translations of a text: one, or one for each plural form."""
    return message.string if isinstance(message.string, tuple) else (message.string,)


@click.command()
@click.argument("languages", nargs=-1)
def main(languages):
    """Brings the catalogues of these languages, or of all, up to date."""
    template = gathered(asyncio.run(command_texts()))
    for language in languages or [language for language in LANGUAGES if language != ENGLISH]:
        catalogue = updated(language, template)
        path = po_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_po(catalogue))
        with path.open("rb") as file:  # what is read is what can be read
            written = read_po(file, locale=language)
        path.with_suffix(".mo").write_bytes(as_mo(written))
        click.echo(f"{language}: {sum(map(is_done, written))} of {len(written)} texts")


if __name__ == "__main__":
    main()
