"""Every text that a person reads: `python -m tests.texts` lists them, and says how hard they are to read.

A text of the code is a string of two words or more, or one behind a name such as `label`. Docstrings, the log, SQL,
lists of words and what made-up people say in the demo are left out. Pages are taken by paragraphs, without code and
tables.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
FOLDERS = ("bot", "model", "training")
PAGES = (
    "README.md",
    ".env.example",
    "docs/moderators.md",
    "docs/faq.md",
    "docs/app-directory.md",
    "docs/privacy.md",
    "docs/operations.md",
    "training/space/README.md",
)
NO_TEXTS = (
    "bot/charts/fonts.py",
    "bot/commands/mood/own_words.py",
    "bot/demo/conversations.py",
    "bot/monitoring/command_filter.py",
    "bot/storage/migrations/",
    "bot/storage/schema.py",
    "model/tables/columns.py",
    "model/text/",
    "training/golden.py",
)
NAMES = {"label", "title", "description", "placeholder", "name", "help", "text", "value", "content", "footer"}
LOGGERS = {"log", "logger", "logging", "_log", "warnings"}
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|PRAGMA|VACUUM|WITH|BEGIN|ATTACH)\b")
WORDS = re.compile(r"[A-Za-z][\w']*[,.:;]?\s+[\w(*{`'\"]")
GROUPS = {
    "Discord": ("bot/",),
    "web page": ("bot/web/",),
    "operators": ("bot/app/", "bot/cli/", "bot/settings.py", "bot/storage/", "bot/link/", "model/", ".env.example"),
    "training": ("training/",),
    "pages": ("README.md", "docs/"),
}
"""Who reads a text, by how its file begins; the last that fits counts."""

WHOLE = 4
"""Words that make a sentence; what is shorter is a label."""


class Text(NamedTuple):
    """A text and where it is."""

    file: str
    line: int
    text: str


def _flat(node: ast.expr) -> str | None:
    """A constant or an f-string as one text, with `{}` where something is put in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


class _Collector(ast.NodeVisitor):
    """Walks a module and keeps its texts."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []

    def visit_Expr(self, node: ast.Expr) -> None:
        """Leaves docstrings out."""
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Leaves the log out."""
        called = node.func
        if (
            isinstance(called, ast.Attribute)
            and isinstance(called.value, ast.Name)
            and called.value.id in LOGGERS
            and called.attr != "getLogger"
        ):
            return
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        """A single word counts where its name says that it is shown."""
        text = _flat(node.value)
        if text and node.arg in NAMES and re.search(r"[A-Z]\w", text):
            self._keep(node.value, text, always=True)
            self._inside(node.value)
        else:
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """A plain string."""
        if isinstance(node.value, str):
            self._keep(node, node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """An f-string, and what is put into it."""
        text = _flat(node)
        if text:
            self._keep(node, text)
        self._inside(node)

    def _inside(self, node: ast.expr) -> None:
        """Looks into the parts that an f-string puts in."""
        if isinstance(node, ast.JoinedStr):
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    self.visit(part.value)

    def _keep(self, node: ast.expr, text: str, *, always: bool = False) -> None:
        if (always or WORDS.search(text)) and not SQL.match(text):
            self.found.append((node.lineno, text))


def of_source(source: str) -> list[tuple[int, str]]:
    """The texts of one module, with their lines."""
    collector = _Collector()
    collector.visit(ast.parse(source))
    return collector.found


def of_page(page: str) -> list[tuple[int, str]]:
    """The paragraphs of a page in Markdown, or the comments of a file of settings, with their lines."""
    found: list[tuple[int, str]] = []
    code, going_on = False, False
    for number, line in enumerate(page.splitlines(), 1):
        code ^= line.startswith("```")
        text = re.sub(r"\]\([^)]*\)|^[\s>#*-]+|^\d+\.|[*\[\]]|<[^>]*>|!\[.*", "", line).strip()
        if code or not text or line.startswith(("|", "```", "!")) or re.match(r"[A-Z_]+=", line):
            going_on = False
        elif going_on and not re.match(r"(- |\d+\. |#+ )", line):
            found[-1] = (found[-1][0], f"{found[-1][1]} {text}")
        else:
            found.append((number, text))
            going_on = True
    return found


def of_template(page: str) -> list[tuple[int, str]]:
    """What a template shows or reads out, with the lines."""
    plain = re.sub(r"<style>.*?</style>", lambda style: "\n" * style[0].count("\n"), page, flags=re.DOTALL)
    found = []
    for number, line in enumerate(re.sub(r"\{\{.*?\}\}", "{}", re.sub(r"\{[%#].*?[%#]\}", "", plain)).splitlines(), 1):
        shown = [*re.findall(r'aria-label="([^"]*)"', line), re.sub(r"<[^>]*>", " ", line).strip()]
        found += [(number, text) for text in shown if WORDS.search(text)]
    return found


def texts(root: Path = ROOT) -> Iterator[Text]:
    """The texts of the program and of its pages for people."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            file = path.relative_to(root).as_posix()
            if not file.startswith(NO_TEXTS):
                for line, text in of_source(path.read_text(encoding="utf-8")):
                    yield Text(file, line, text)
    for path in sorted((root / "bot/web/templates").glob("*.jinja")):
        for line, text in of_template(path.read_text(encoding="utf-8")):
            yield Text(path.relative_to(root).as_posix(), line, text)
    for page in PAGES:
        if (root / page).exists():
            for line, text in of_page((root / page).read_text(encoding="utf-8")):
                yield Text(page, line, text)


def group(file: str) -> str:
    """Who reads the texts of a file."""
    return [name for name, begins in GROUPS.items() if file.startswith(begins)][-1]


def syllables(word: str) -> int:
    """How many a word has, by its groups of vowels."""
    vowels = re.findall(r"[aeiouy]+", word.lower())
    silent = len(vowels) > 1 and re.search(r"[^aeiouyl]e(s|d)?$", word.lower()) is not None
    return max(1, len(vowels) - silent)


def grade(found: Iterable[str]) -> float:
    """The Flesch-Kincaid grade: years of school that reading takes. What is in `backticks` and put in is left out."""
    sentences = words = sounds = 0
    for text in found:
        for sentence in re.split(r"[.!?]+(?:\s|$)|\n", re.sub(r"`[^`]*`|\{[^}]*\}|https?:\S+", " ", text)):
            said = re.findall(r"[A-Za-z][A-Za-z'-]*", sentence)
            if len(said) >= WHOLE:
                sentences, words = sentences + 1, words + len(said)
                sounds += sum(map(syllables, said))
    return 0.39 * words / sentences + 11.8 * sounds / words - 15.59


def main() -> None:
    """Lists them, or only their reading level by who reads them."""
    asked = argparse.ArgumentParser(description=__doc__, prog="python -m tests.texts")
    asked.add_argument("--level", action="store_true", help="only the reading level")
    asked.add_argument("--root", type=Path, default=ROOT, help="another checkout")
    given = asked.parse_args()
    found = list(texts(given.root))
    if not given.level:
        for text in found:
            print(f"{text.file}:{text.line}: {text.text!r}")
    for name in GROUPS:
        ours = [text.text for text in found if group(text.file) == name]
        print(f"{name}: {len(ours)} texts, grade {grade(ours):.1f}")
    print(f"all: {len(found)} texts, grade {grade(text.text for text in found):.1f}")


if __name__ == "__main__":
    main()
