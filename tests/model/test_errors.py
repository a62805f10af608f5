"""An error for one caller is nobody else's."""

import pytest

from model.concurrency import own_error
from model.errors import DeadlinePassed, HubUnreachable, InferenceFailed, Overloaded, TextTooLong, Unreadable


@pytest.mark.parametrize(
    "error",
    [
        Overloaded(7.0),
        TextTooLong(9, 3),
        Unreadable("Spanish"),
        DeadlinePassed(),
        HubUnreachable("a/b", "no network"),
        InferenceFailed("no number"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_ones_own_says_the_same_and_leads_nowhere(error):
    def raise_over(secret):
        try:
            raise ValueError(secret)
        except ValueError as cause:
            error.add_note(secret)
            raise error from cause

    with pytest.raises(type(error)):
        raise_over("my secret diary")
    own = own_error(error)
    assert own is not error
    assert (type(own), str(own), own.args) == (type(error), str(error), error.args)
    assert (own.__traceback__, own.__cause__, own.__context__) == (None, None, None)
    assert "secret" not in str(vars(own))
    assert {k: v for k, v in vars(error).items() if k != "__notes__"} == vars(own)


def test_what_was_not_made_for_people_is_told_by_its_kind_alone(caplog):
    own = own_error(ValueError("my secret diary"))
    assert isinstance(own, InferenceFailed)
    assert "ValueError" in str(own)
    assert "secret" not in str(own) + caplog.text
