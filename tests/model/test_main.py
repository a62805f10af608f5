"""`python -m model`: texts, lines and CSV files at the command line, over the bundled model."""

import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from model import InferenceFailed, NothingToRead, Sentiment, Unreadable, Verdict, open_checkpoint
from model import __main__ as command
from model.installation import installed_version
from model.tables import COLUMNS, read_table
from tests.model.long_texts import varied

ROOT = Path(__file__).parents[2]
HEADER = ["id", "text", *COLUMNS]
NAMES = ["sentiment", "sure", "score", "text"]
GOOD, BAD = "i love this, wonderful", "this is awful, i hate it"
LONG = Verdict(Sentiment.POSITIVE, (0.01, 0.04, 0.95), 24, "v", skipped=16)
DANGER = Verdict(Sentiment.NEGATIVE, (0.1, 0.1, 0.8), 1, "v", danger=True)


def run(*arguments, stdin=None, code=0, encoding="utf-8"):
    """The command's standard output and standard error."""
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    command = [sys.executable, "-m", "model", *map(str, arguments)]
    spoken = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=100, env=spoken, **given)
    said = done.stderr.decode("utf-8")
    assert done.returncode == code, said
    assert "Traceback" not in said
    return done.stdout.decode(encoding), said


def opening(answers):
    """Opens what stands in for a classifier: it gives these answers, in their order."""

    class Given:
        async def classify_many(self, texts):
            return [answers.pop(0) for _ in texts]

        async def __aenter__(self):
            return self

        async def __aexit__(self, *_):
            pass

    async def opened():
        return Given()

    return opened


@pytest.fixture
def table(tmp_path):
    """Writes a CSV and returns its path."""

    def table(*rows, header=("id", "text"), encoding="utf-8"):
        path = tmp_path / "in.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file).writerows([header, *rows] if header else rows)
        return path

    return table


def scored(path, *arguments):
    out, said = run("--csv", path, *arguments)
    return list(csv.reader(io.StringIO(out))), said


def test_each_text_is_one_line_with_its_verdict():
    out, _ = run(GOOD, BAD)
    names, first, second = out.splitlines()
    assert names.split() == NAMES
    assert first.startswith("positive ") and first.endswith(GOOD)
    assert second.startswith("negative ") and second.endswith(BAD)


def test_each_line_of_standard_input_is_one_line_of_output_nothing_to_read_included():
    out, _ = run(stdin=f"{GOOD}\n\nhttps://example.com\r\n{BAD}\n".encode())
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == ["sentiment", "positive", "-", "-", "negative"]
    assert "no text in there I can read" in lines[2] and "no text in there I can read" in lines[3]


def test_lines_are_answered_while_whoever_writes_them_is_still_writing():
    with subprocess.Popen(
        [sys.executable, "-m", "model"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as open_:
        for text, sentiment in ((GOOD, "positive"), (BAD, "negative"), (GOOD, "positive")):
            open_.stdin.write(f"{text}\n".encode())
            open_.stdin.flush()
            line = open_.stdout.readline()
            if line.split()[0] == b"sentiment":
                line = open_.stdout.readline()
            assert line.decode().split()[0] == sentiment
        open_.stdin.write(BAD.encode())  # without the end of a line
        open_.stdin.close()
        assert open_.stdout.read().startswith(b"negative ")
    assert open_.returncode == 0


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_many_lines_come_out_in_their_order_whole(ending):
    texts = [f"line {number} {'😂é' * (number % 50)}" for number in range(1100)]
    out, _ = run("--json", stdin=ending.join(texts).encode())
    assert [json.loads(line)["text"] for line in out.splitlines()] == texts


def test_an_output_that_is_closed_ends_it_quietly():
    lines = f"{GOOD}\n".encode() * 20_000
    with subprocess.Popen(
        [sys.executable, "-m", "model"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as cut:
        cut.stdout.close()
        cut.stdout = None
        _, said = cut.communicate(lines, timeout=60)
    assert said == b""


def test_what_the_output_cannot_carry_is_replaced():
    out, _ = run("i love it 😂", encoding="cp1252")
    assert out.splitlines()[1].endswith("i love it ?")
    out, _ = run("--json", "i love it 😂", encoding="cp1252")
    assert json.loads(out)["text"] == "i love it 😂"


def test_an_object_a_line_is_for_programs():
    out, said = run("--json", GOOD, "https://example.com")
    good, nothing = map(json.loads, out.splitlines())
    assert list(good) == ["text", *COLUMNS, "note"]
    assert (good["text"], good["sentiment"], good["windows"], good["parts"]) == (GOOD, "positive", 1, 1)
    assert good["score"] == pytest.approx(good["positive"] - good["negative"], abs=1e-5)
    assert good["note"] is None
    assert (nothing["sentiment"], nothing["windows"], nothing["parts"]) == ("neutral", 0, 0)
    assert "no text in there I can read" in nothing["note"]
    assert said == ""


async def test_what_is_no_plain_rating_is_said_in_each_line(capsys):
    texts = ["a", "b", "c", "d"]
    answers = [Unreadable("Spanish"), DANGER, LONG, InferenceFailed("It failed.")]
    await command.score_lines(texts, opening([*answers]), as_json=False)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[:3] for line in lines] == [
        ["unreadable", "-", "-"],
        ["negative", "-", "-"],
        ["positive", "95.0%", "+0.940"],
        ["-", "-", "-"],
    ]
    assert [line.partition("  (")[2] for line in lines] == [
        "I can't read this yet; it looks like Spanish. I only read English.)",
        "Not rated: someone may be in danger.)",
        "read in 24 of 40 parts)",
        "It failed.)",
    ]
    await command.score_lines(texts, opening([*answers]), as_json=True)
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [found["sentiment"] for found in objects] == ["unreadable", "negative", "positive", None]
    assert [found["score"] for found in objects] == [None, None, pytest.approx(0.94), None]
    assert [(found["windows"], found["parts"]) for found in objects] == [(None, None)] * 2 + [(24, 40), (None, None)]


async def test_a_table_has_no_numbers_where_there_is_no_rating(capsys):
    table = read_table(b"text\nhola\nhelp me\nlong\nhttps://x.y\n", "in.csv")
    await command.score_table(table, "in.csv", opening([Unreadable("Spanish"), DANGER, LONG, NothingToRead()]))
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))[1:]
    assert rows == [
        ["hola", "unreadable", *[""] * 6],
        ["help me", "negative", *[""] * 6],
        ["long", "positive", "0.010000", "0.040000", "0.950000", "0.940000", "24", "40"],
        ["https://x.y", "neutral", "0.0", "1.0", "0.0", "0.0", "0", "0"],
    ]


async def test_any_other_error_ends_a_table():
    table = read_table(b"text\nhi\n", "in.csv")
    with pytest.raises(InferenceFailed):
        await command.score_table(table, "in.csv", opening([InferenceFailed("It failed.")]))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--csv", "README.md", "a text"), "Give --csv or texts, not both."),
        (("--csv", "README.md", "--json"), "Give --csv or --json, not both."),
        (("--column", "text", "hello"), "Give the table with --csv"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(arguments, said):
    out, complaint = run(*arguments, code=2)
    assert out == ""
    assert said in complaint


def test_its_version_is_one_line():
    out, _ = run("--version")
    assert out == f"vibecheck {installed_version()}, bundled model {open_checkpoint().version}\n"


def test_a_csv_comes_back_in_its_order_with_the_columns_added(table):
    texts = [GOOD if number % 3 else BAD for number in range(1100)]
    (header, *rows), said = scored(table(*enumerate(texts)))
    assert header == HEADER
    assert [row[:2] for row in rows] == [[str(number), text] for number, text in enumerate(texts)]
    assert [row[2] for row in rows] == ["positive" if text == GOOD else "negative" for text in texts]
    assert "1100/1100" in said


def test_probabilities_sum_to_one_and_the_score_is_their_difference(table):
    (_, row), _ = scored(table((1, GOOD)))
    negative, neutral, positive, score = map(float, row[3:7])
    assert negative + neutral + positive == pytest.approx(1, abs=1e-5)
    assert score == pytest.approx(positive - negative, abs=1e-5)
    assert row[7:] == ["1", "1"]


def test_a_row_with_nothing_to_read_is_neutral_with_no_windows(table):
    (_, *rows), _ = scored(table((1, ""), (2, "https://example.com"), (3,)))
    assert [row[2:] for row in rows] == [["neutral", "0.0", "1.0", "0.0", "0.0", "0", "0"]] * 3


def test_a_very_long_cell_is_read_in_windows_not_cut(table):
    (_, row), _ = scored(table((1, varied("so good", 2000))))
    assert int(row[7]) > 5
    assert int(row[8]) >= int(row[7])


def test_another_column_and_cells_with_commas_quotes_and_line_breaks_survive(table):
    odd = 'he said "great",\nthen left'
    (header, row), _ = scored(table((odd, "x"), header=("body", "id")), "--column", "body")
    assert header == ["body", "id", *COLUMNS]
    assert row[:2] == [odd, "x"]


def test_no_row_is_lost_or_won_by_what_is_in_its_cells(table):
    odd = ["a\rb", "a\nb", "a\r\nb", "a\x85b", "a\u2028b", 'a "b" c', "a\tb", "a;b", "a,b", " ", "=1+1"]
    (_, *rows), _ = scored(table(*enumerate(odd)))
    assert [row[1] for row in rows] == [*odd[:-1], "'=1+1"]


def test_a_table_may_come_from_standard_input():
    out, said = run("--csv", "-", stdin="id;Text\n1;i love this, really\n".encode("utf-16"))
    assert [row[:3] for row in csv.reader(io.StringIO(out))][1:] == [["1", "i love this, really", "positive"]]
    assert said.startswith("standard input: 2 columns named by the first line, with a semicolon between them")


def test_the_column_is_guessed_or_found_by_its_name_in_any_case(table):
    rows = table((GOOD, BAD), (BAD, GOOD), header=("body", "Said"))
    assert [row[2] for row in scored(rows)[0][1:]] == ["positive", "negative"]
    assert [row[2] for row in scored(rows, "--column", "SAID")[0][1:]] == ["negative", "positive"]


def test_a_result_may_be_read_again(table):
    (header, row), _ = scored(table((GOOD, "1"), header=("text", "score")))
    assert header == ["text", "score", *(f"vibecheck_{name}" for name in COLUMNS)]
    assert row[:3] == [GOOD, "1", "positive"]


def test_the_mark_that_spreadsheets_put_in_front_is_no_part_of_a_name(table):
    (header, _), _ = scored(table((GOOD,), header=("text",), encoding="utf-8-sig"))
    assert header[0] == "text"


@pytest.mark.parametrize(
    ("content", "column", "words"),
    [
        (b"id,body\na,b\n", "text", "in.csv has no column 'text'. Its columns are id, body."),
        (b"", None, "in.csv is empty."),
        (b"id,text\n1,good,extra\n", None, "Line 2 of in.csv has more cells (3) than there are columns (2)"),
        (b'id,text\n1,"good\n2,bad\n', None, 'Line 2 of in.csv opens a quote (")'),
        ("text\ncaf\xe9\n".encode("latin-1"), None, "in.csv isn't UTF-8 text (line 2, byte 8)"),
        (b"PK\x03\x04\x14\0\x06\0", None, "in.csv is an Excel workbook or another zip archive"),
    ],
)
def test_a_table_that_cannot_be_scored_is_one_sentence_and_writes_nothing(tmp_path, content, column, words):
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    out, said = run("--csv", path, *(["--column", column] if column else []), code=1)
    assert out == ""
    assert said.startswith(words)
    assert said.count("\n") == 1 and said.strip().isprintable()


@pytest.mark.parametrize(
    ("language", "line", "said"),
    [
        ("es", "qué partidazo  (Spanish)", {"language": "es"}),
        ("en", "qué partidazo", {"language": "en"}),
        ("", "qué partidazo", {}),
    ],
)
async def test_another_language_is_named_beside_the_text(capsys, language, line, said):
    verdict = replace(LONG, skipped=0, language=language)
    for as_json in (False, True):
        await command.score_lines(["qué partidazo"], opening([verdict]), as_json=as_json)
    _, shown, answer = capsys.readouterr().out.splitlines()
    assert shown.endswith(line)
    assert {key: value for key, value in json.loads(answer).items() if key == "language"} == said


def test_the_environment_says_which_model_where_nobody_does(monkeypatch):
    monkeypatch.setenv("MODEL", "nowhere/at/all")
    out, said = run("hello", code=1)
    assert (out, said.startswith('There\'s no model at "nowhere/at/all".')) == ("", True)
    assert run("--model", "bundled", GOOD)[0].splitlines()[1].startswith("positive")


def test_a_model_that_is_not_there_is_one_sentence(tmp_path):
    out, said = run("--model", tmp_path / "nowhere", "hello", code=1)
    assert out == ""
    assert said.startswith("There's no model at \"")
    assert said.count("\n") == 1
