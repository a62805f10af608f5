"""A server is sent what its model reads, and nothing that is not read."""

import pytest

from model import NothingToRead, Priority, Unreadable
from model.serving import failover_classifier
from model.text.cleaning import clean
from tests.model.serving.test_failover_classifier import CANARY

IDS = ["123456789012345678", "223456789012345678", "323456789012345678"]
WRITTEN = [
    f"<@{IDS[0]}> that was a lovely match",
    f"<@!{IDS[0]}> see <#{IDS[1]}>, it was boring",
    f"<@&{IDS[2]}> i love this server <:pepe_sad:{IDS[1]}>",
    f"look https://discord.com/channels/{'/'.join(IDS)} so good",
    f"> {CANARY}\nthat was terrible",
    f"```{CANARY}``` nice",
    f"||<@{IDS[0]}>|| well played",
]
LONG = [f"{text} " + " ".join(f"and day {number} was fine" for number in range(60)) for text in WRITTEN[:4]]


@pytest.mark.parametrize("priority", [Priority.INTERACTIVE, Priority.PASSIVE])
async def test_no_id_goes_there_and_nothing_that_somebody_else_wrote(server, opened, classifier, priority):
    remote = await opened(server.url)
    texts = [*WRITTEN, *LONG]
    assert await remote.classify_many(texts, priority) == await classifier.classify_many(texts, priority)
    for text in (WRITTEN[0], LONG[0]):
        assert await remote.explain(text, 3) == await classifier.explain(text, 3)
    sent = [text.text for text in server.texts()]
    assert set() < set(sent) <= set(map(clean, texts))
    assert not any(one in repr(server.lists) for one in (*IDS, *CANARY.split()))


async def test_what_is_not_read_is_not_sent(server, opened):
    remote = await opened(server.url)
    answers = await remote.classify_many(["мне это очень нравится, правда", f">>> {CANARY}", f"<@{IDS[0]}>"])
    assert list(map(type, answers)) == [Unreadable, NothingToRead, NothingToRead]
    assert server.texts() == []


async def test_a_text_whose_signs_become_too_many_words_for_a_server_is_read_here(
    server, opened, classifier, monkeypatch
):
    monkeypatch.setattr(failover_classifier, "MAX_CHARACTERS", 100)
    remote = await opened(server.url)
    text = " ".join(f"w{number} 5/10" for number in range(10))
    assert len(text) <= 100 < len(clean(text))
    assert await remote.classify(text) == await classifier.classify(text)
    assert server.texts() == []
