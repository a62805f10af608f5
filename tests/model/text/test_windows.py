from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text.windows import OVERLAP, split_windows

LENGTHS = st.integers(0, 5000)
SIZES = st.integers(OVERLAP + 1, 510)


def starts_of(windows):
    return [window[0] for window in windows]


@given(LENGTHS, SIZES)
def test_every_token_is_in_some_window_and_in_order(length, size):
    windows = split_windows(range(length), size)
    assert {token for window in windows for token in window} == set(range(length))
    assert all(window == list(range(window[0], window[0] + len(window))) for window in windows if window)


@given(LENGTHS, SIZES)
def test_no_window_is_larger_than_its_size(length, size):
    assert max(map(len, split_windows(range(length), size))) <= size


@given(st.integers(511, 5000), SIZES)
def test_neighbours_share_at_least_the_overlap(length, size):
    windows = split_windows(range(length), size)
    starts = starts_of(windows)
    assert all(first + size - second >= OVERLAP for first, second in pairwise(starts))


@given(LENGTHS, SIZES)
def test_there_are_as_few_windows_as_the_overlap_allows(length, size):
    most_covered_by = lambda count: size + (count - 1) * (size - OVERLAP)  # noqa: E731
    count = len(split_windows(range(length), size))
    assert count == 1 or most_covered_by(count - 1) < length
    assert most_covered_by(count) >= length


@given(st.integers(511, 5000), SIZES)
def test_all_windows_of_a_long_text_are_full_and_evenly_spread(length, size):
    windows = split_windows(range(length), size)
    assert {len(window) for window in windows} == {size}
    starts = starts_of(windows)
    steps = {second - first for first, second in pairwise(starts)}
    assert max(steps) - min(steps) <= 1


def test_a_text_that_fits_is_one_window():
    assert split_windows([1, 2, 3], 510) == [[1, 2, 3]]
    assert split_windows([], 510) == [[]]


def test_one_token_too_many_makes_a_second_full_window():
    assert [len(window) for window in split_windows(range(511), 510)] == [510, 510]


def test_windows_that_could_never_move_on_are_refused():
    with pytest.raises(ValueError, match="64"):
        split_windows(range(100), OVERLAP)
