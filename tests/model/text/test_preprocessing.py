"""A text that is prepared already, as one that comes from another machine, is read as it was written."""

from model.errors import ModelError
from model.text import danger
from model.text.preprocessing import Prepared, prepare_at_once, prepare_in_steps
from tests.model.text.odd_texts import own_texts, random_texts


def prepared(text):
    steps = prepare_in_steps(text)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value
    except ModelError as error:
        return error


def test_what_was_prepared_comes_to_the_same_when_it_is_prepared_again():
    danger.prepare()
    for text in [*own_texts()[::3], *random_texts(1000)]:
        found = prepared(text)
        if isinstance(found, Prepared):
            assert prepared(found.text) == found
            assert prepare_at_once(found.text) in (None, found)
            assert prepare_at_once(text) in (None, found)
