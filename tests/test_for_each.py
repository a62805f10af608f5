"""What a long table in one test owes to whoever reads its failure."""

import pytest

from tests.for_each import for_each


@pytest.fixture
def limit():
    return 3


@for_each("number", [1, 2])
def test_each_case_is_given_with_the_fixtures(number, limit):
    assert number < limit


@for_each(("text", "length"), [("ab", 2), ("", 0)])
def test_a_case_may_have_several_values(text, length):
    assert len(text) == length


def test_every_case_that_fails_is_named_with_its_reason():
    @for_each("number", [1, 5, 7, 0])
    def check(number):
        assert number < 4, "too many"
        assert 1 / number

    with pytest.raises(pytest.fail.Exception) as failed:
        check()
    said = str(failed.value)
    assert said.startswith("3 of 4 cases fail:")
    assert "\n5:\nAssertionError: too many" in said and "\n7:\n" in said
    assert "\n0:\nZeroDivisionError: division by zero" in said
