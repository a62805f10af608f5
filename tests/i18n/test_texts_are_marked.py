"""Every text that people read in Discord goes through gettext, by the syntax trees; and gettext is asked late."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.catalogues import KEYWORDS
from tests.texts import NO_TEXTS, ROOT, _Collector, _flat

IN_ENGLISH = (
    *(
        "bot/app/",
        "bot/cli/",
        "bot/demo/",
        "bot/i18n/",
        "bot/settings.py",
        "bot/storage/",
        "bot/web/",
        "bot/__main__.py",
    ),
    *(
        "bot/commands/model.py",
        "bot/commands/model_release.py",
        "bot/domain/model_release.py",
        "bot/link/command_sync.py",
        "bot/link/limits.py",
    ),
)
"""What operators read, the page, the demo, and the names of languages."""

COMMANDS = {"command", "describe", "rename", "choices", "Choice", "ContextMenu", "Group", "locale_str"}
"""Calls whose texts discord.py has translated when the commands are registered."""

NOT_SHOWN = {"apologising", "apologise", "Job", "ValueError", "TypeError", "RuntimeError", "LookupError"}
"""Calls whose texts only the log or a programmer reads."""

NAMED = {"create_task", "Feature", "Thread"}
"""What has a `name` for the log."""

NO_WORDS = {"xycoords", "textcoords", "loc", "impersonal"}
"""What is said by these goes to matplotlib, or is why a table has nobody in it."""

EXCEPTIONS: dict[str, dict[str, str]] = {
    "bot/alerts/buttons.py": {"an alert's button": "for the log", "an alert's snooze": "for the log"},
    "bot/charts/canvas.py": {"axes fraction": "matplotlib's", "offset pixels": "matplotlib's"},
    "bot/charts/drawing.py": {"axes fraction": "matplotlib's"},
    "bot/charts/marks.py": {"axes fraction": "matplotlib's"},
    "bot/client.py": {"registering commands": "a task's name", "no shard is this process's": "for the log"},
    "bot/commands/about.py": {"Vibecheck": "a name"},
    "bot/commands/mood/__init__.py": {"last tuesday": "has a library loaded"},
    "bot/commands/mood/time_range.py": {"(?:last |on )?": "a pattern"},
    "bot/commands/privacy_report.py": {
        "a hash of your Discord id": "JSON, as its keys are",
        "never kept": "JSON, as its keys are",
    },
    "bot/domain/records.py": {"false alarm": "what is written to the audit"},
    "bot/link/brake.py": {"nothing is asked of Discord for": "for the log"},
    "bot/link/identify.py": {"{} sessions are left": "for the log"},
    "bot/link/aside.py": {"thinking in public": "a key"},
    "bot/monitoring/backfill/job.py": {
        "it goes on": "an enumeration's",
        "nothing can be done now": "an enumeration's",
        "it is over": "an enumeration's",
        "a notice is in doubt": "caught, and tried again",
    },
    "bot/monitoring/backfill/reading.py": {"there's no notice there": "caught, and tried again"},
    "bot/monitoring/catch_up.py": {"what was missed isn't known yet": "a key"},
    "bot/monitoring/catch_up_channel.py": {
        "there is more": "an enumeration's",
        "all of it": "an enumeration's",
        "not all of it": "an enumeration's",
    },
    "bot/monitoring/message_words.py": {
        "voice message": "a key",
        "message of buttons or pictures": "a key",
    },
    "bot/monitoring/notice_check.py": {
        "**From now on I read the mood": "how notices of earlier versions begin",
        "**Heads-up: I measure the mood here": "how notices of earlier versions begin",
    },
    "bot/monitoring/reconciliation.py": {
        "belongs to application": "for the log",
        "knows only servers": "for the log",
    },
    "bot/permissions.py": {"at {} → this application": "for whoever runs the bot"},
}
"""Texts, by how they begin, that nobody in Discord reads, or that are the same in every language; each with why."""


class Text(NamedTuple):
    """A text of the code, and where."""

    file: str
    line: int
    text: str


class _Nodes(_Collector):
    """As the list of texts, with the nodes."""

    def __init__(self):
        super().__init__()
        self.nodes = []

    def _keep(self, node, text, *, always=False):
        before = len(self.found)
        super()._keep(node, text, always=always)
        self.nodes += [(node, text)] * (len(self.found) - before)


def called(node):
    """The last name of what is called; "" for no call."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", "") or getattr(node.func, "id", "")


def parents_of(tree):
    return {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}


def is_marked(node, parents):
    """Whether a text is handed to gettext as it is, or belongs to a command, or is for nobody."""
    parent = parents[node]
    if called(parent) in KEYWORDS:
        return node in parent.args and isinstance(node, ast.Constant)
    above: ast.AST | None = node
    while above is not None:
        child, above = above, parents.get(above)
        if isinstance(above, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child in above.decorator_list:
            return called(child) in COMMANDS or called(child) in NOT_SHOWN
        if isinstance(above, ast.ClassDef) and isinstance(child, ast.keyword):
            return child.arg in {"name", "description", "group_name", "group_description"}
        if called(above) in COMMANDS | NOT_SHOWN:
            return True
        if isinstance(child, ast.keyword) and (
            child.arg in NO_WORDS or (child.arg == "name" and called(above) in NAMED)
        ):
            return True
        if called(above) == "report" and child in above.args[1:2]:  # by which notes are collected
            return True
        if isinstance(above, ast.Assert) or _is_impersonal(above):
            return True
    return False


def _is_impersonal(node):
    """Whether these are the reasons why tables have nobody in them."""
    targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
    return any(getattr(target, "id", "") == "IMPERSONAL" for target in targets)


def unmarked(root: Path = ROOT) -> Iterator[Text]:
    """The texts for people in Discord that never reach a translator."""
    for path in sorted((root / "bot").rglob("*.py")):
        file = path.relative_to(root).as_posix()
        if file.startswith((*IN_ENGLISH, *NO_TEXTS)):
            continue
        tree = ast.parse(path.read_text("utf-8"))
        parents, nodes = parents_of(tree), _Nodes()
        nodes.visit(tree)
        for node, text in nodes.nodes:
            if not is_marked(node, parents) and not text.startswith(tuple(EXCEPTIONS.get(file, {}))):
                yield Text(file, node.lineno, text)


def test_every_text_that_people_read_in_discord_is_handed_to_gettext():
    left = [f"{one.file}:{one.line}: {one.text!r}" for one in unmarked()]
    assert not left, "\n".join(left)


def test_an_exception_is_there():
    """What is gone needs none."""
    for file, texts in EXCEPTIONS.items():
        nodes = _Nodes()
        nodes.visit(ast.parse((ROOT / file).read_text("utf-8")))
        for begins in texts:
            assert any(text.startswith(begins) for _, text in nodes.nodes), (file, begins)


def modules():
    """The modules that ask gettext, each as its file and its syntax tree; not those that are it."""
    own = ("bot/i18n/", "bot/link/command_translator.py")
    files = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "bot").rglob("*.py"))}
    sources = {file: path.read_text("utf-8") for file, path in files.items() if not file.startswith(own)}
    return [(file, ast.parse(source)) for file, source in sources.items() if "bot.i18n" in source]


def calls(tree, names):
    """The calls of these names in a tree."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and called(node) in names]


TEXTS_OF = {"gettext": slice(0, 1), "N_": slice(0, 1), "ngettext": slice(0, 2), "pgettext": slice(0, 2)}
TEXTS_OF["npgettext"] = slice(0, 3)
"""Which arguments of each are texts, or the context of one."""


def test_gettext_is_given_whole_texts():
    """No text that is put together before it is looked up: no catalogue has that. A name stands for a kept text."""
    asked, wrong = 0, []
    for file, tree in modules():
        for call in calls(tree, KEYWORDS):
            for text in call.args[TEXTS_OF[called(call)]]:
                asked += 1
                whole = (
                    isinstance(text, ast.Constant) if called(call) not in {"gettext"} else not _is_put_together(text)
                )
                if not whole:
                    wrong.append(f"{file}:{call.lineno}: {ast.unparse(call)}")
    assert asked > 150
    assert not wrong, "\n".join(wrong)


def _is_put_together(text):
    """An f-string, a sum of strings, `%`, or a string's own `format` or `join`."""
    return any(
        isinstance(part, ast.JoinedStr)
        or (isinstance(part, ast.BinOp) and any(_flat(side) is not None for side in (part.left, part.right)))
        or called(part) in {"format", "join"}
        for part in ast.walk(text)
    )


def test_nothing_is_translated_while_modules_are_imported():
    """That would be in English for ever; `N_` keeps a text to be translated where it is said."""
    early = []
    for file, tree in modules():
        parents = parents_of(tree)
        late = calls(tree, {*KEYWORDS} - {"N_"})
        early += [f"{file}:{one.lineno}: {ast.unparse(one)}" for one in late if not _is_in_a_function(one, parents)]
    assert not early, "\n".join(early)


def _is_in_a_function(node, parents):
    """Whether it's run when a function is, and not for its decorators or the defaults of its arguments."""
    child = node
    while (above := parents.get(child)) is not None:
        if isinstance(above, ast.Lambda) and child is above.body:
            return True
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef) and child in above.body:
            return True
        child = above
    return False


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('say("Now watching it")', ["Now watching it"]),
        ('say(gettext("Now watching it"))', []),
        ('WORDS = N_("Now watching it")', []),
        ('WORDS = "Now watching it"', ["Now watching it"]),
        ('say(f"Now watching {gettext(place)}")', ["Now watching {}"]),
        ('say(gettext(f"Now watching {place}"))', ["Now watching {}"]),
        ('say(gettext("Now watching {place}", place="some other place"))', ["some other place"]),
        ('say(ngettext("{count} message", "{count} messages", number))', []),
        ('@app_commands.command(description="Helps a bit")\ndef help(): ...', []),
        ('class A(Cog, group_description="Helps a bit"): ...', []),
        ('def a():\n    """Helps a bit."""\n    assert it, "there is one"', []),
        ('Choice(name="A few days", value=1)', []),
        ('raise Refused("Not for you")', ["Not for you"]),
        ('asyncio.create_task(a(), name="doing it")', []),
    ],
)
def test_what_is_marked(source, texts):
    tree = ast.parse(source)
    nodes = _Nodes()
    nodes.visit(tree)
    parents = parents_of(tree)
    assert [text for node, text in nodes.nodes if not is_marked(node, parents)] == texts


@pytest.mark.parametrize(
    ("source", "early"),
    [
        ('A = gettext("x")', True),
        ('def a(b=gettext("x")): ...', True),
        ('def a():\n    return gettext("x")', False),
        ('class A:\n    b = gettext("x")', True),
        ('A = lambda: gettext("x")', False),
        ('@b(gettext("x"))\ndef a(): ...', True),
    ],
)
def test_what_is_early(source, early):
    tree = ast.parse(source)
    (call,) = calls(tree, {"gettext"})
    assert _is_in_a_function(call, parents_of(tree)) is not early


@pytest.mark.parametrize("text", ['f"a {b}"', '"a" + b', '"a %s" % b', '"a {}".format(b)', '" ".join(b)'])
def test_what_is_put_together(text):
    assert _is_put_together(ast.parse(text, mode="eval").body)


def test_no_text_is_marked_inside_an_f_string_where_it_would_not_be_gathered():
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in (ROOT / "bot").rglob("*.py")
        for string in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in KEYWORDS
        and any(isinstance(given, ast.Constant) for given in call.args)
    ]
    assert found == []
