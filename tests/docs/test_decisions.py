"""docs/decisions: every record has its parts and its line in the index, and no page links to what is not there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_no_number_is_given_twice():
    numbers = [path.name[:4] for path in RECORDS]
    assert numbers
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name[:4])
def test_a_record_says_when_what_and_instead_of_what(path):
    text = path.read_text("utf-8")
    assert re.match(
        rf"# {path.name[:4]} \S.+\n\nDate: \d{{4}}-\d\d-\d\d\. Status: (proposed|accepted|superseded)", text
    )
    parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [part for part in parts if part in {"Context", "Decision", "Alternatives", "Consequences"}] == [
        "Context",
        "Decision",
        "Alternatives",
        "Consequences",
    ]


def test_the_index_names_every_record_by_its_title():
    named = re.findall(r"^- \[(\d{4})\]\(([\w-]+\.md)\) (.+) \(\d{4}-\d\d-\d\d\)$", _joined_index(), re.MULTILINE)
    titles = [(path.name[:4], path.name, path.read_text("utf-8").split("\n")[0][7:]) for path in RECORDS]
    assert named == titles


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_links_only_to_what_is_there(page):
    for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([\w-]+))?\)", page.read_text("utf-8")):
        linked = (page.parent / target) if target else page
        assert linked.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(linked), f"{target} has no heading for #{anchor}"


def _joined_index():
    """The index with entries of two lines in one."""
    return (FOLDER / "README.md").read_text("utf-8").replace("\n  ", " ")
