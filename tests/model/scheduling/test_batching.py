from hypothesis import example, given
from hypothesis import strategies as st

from model.backends.base import padded_length
from model.scheduling.batching import TOKEN_BUDGET, next_batch, shares

QUEUES = st.lists(st.integers(1, 512), min_size=1, max_size=120).map(lambda sizes: [[0] * size for size in sizes])


def identities(rows):
    return [id(row) for row in rows]


@given(QUEUES)
def test_the_oldest_is_always_in_the_batch(waiting):
    assert next_batch(waiting)[0] is waiting[0]


@given(QUEUES)
def test_padded_tokens_stay_within_the_budget(waiting):
    batch = next_batch(waiting)
    assert len(batch) * padded_length(max(map(len, batch))) <= TOKEN_BUDGET


@given(QUEUES)
def test_nobody_is_in_a_batch_twice_and_nobody_is_made_up(waiting):
    batch = identities(next_batch(waiting))
    assert len(set(batch)) == len(batch)
    assert set(batch) <= set(identities(waiting))


@given(QUEUES)
def test_taking_batches_empties_the_queue(waiting):
    left, batches = list(waiting), 0
    while left:
        taken = set(identities(next_batch(left)))
        left = [row for row in left if id(row) not in taken]
        batches += 1
    assert batches <= len(waiting)


@given(QUEUES)
@example([[0] * size for size in (134, 1, 109, 268, 512, 512, 512, 269)])
def test_a_batch_holds_no_window_half_as_long_as_the_oldest_nor_longer_than_one_twice_as_long_is_padded_to(waiting):
    oldest, *others = next_batch(waiting)
    longest = padded_length(2 * len(oldest))
    assert all(len(oldest) <= 2 * len(row) and len(row) <= longest for row in others)


def test_an_oldest_above_the_budget_goes_alone():
    waiting = [[0] * 400, [0] * 400]
    assert next_batch(waiting, budget=100) == [waiting[0]]


def test_like_lengths_fill_the_batch():
    waiting = [[0] * 12 for _ in range(200)]
    assert len(next_batch(waiting)) == TOKEN_BUDGET // 12


def test_the_nearest_lengths_are_chosen():
    waiting = [[0] * size for size in (100, 90, 20, 110, 500, 60)]
    assert sorted(map(len, next_batch(waiting))) == [60, 90, 100, 110]


@given(st.lists(st.integers(1, 512), min_size=1, max_size=120), st.integers(1, 9))
def test_every_row_is_in_one_share_and_no_share_is_shorter_rows_before_longer(lengths, threads):
    found = shares(lengths, threads)
    assert sorted(row for share in found for row in share) == list(range(len(lengths)))
    assert len(found) <= threads
    assert all(found)
    ordered = [lengths[row] for share in found for row in share]
    assert ordered == sorted(lengths, reverse=True)


@given(st.integers(1, 60), st.integers(20, 200), st.integers(2, 8))
def test_shares_of_like_rows_cost_alike(length, rows, threads):
    sizes = [len(share) for share in shares([length] * rows, threads)]
    assert max(sizes) - min(sizes) <= 1


def test_what_is_too_little_for_two_threads_stays_with_one():
    assert shares([8, 8], 2) == [[0, 1]]
    assert shares([40, 40], 2) == [[0], [1]]


def test_one_long_row_has_a_thread_for_itself():
    assert shares([20, 400, 20, 20], 2) == [[1], [0, 2, 3]]
