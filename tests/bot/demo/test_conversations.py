"""What the people of the demo say is what a newcomer asks about first: each line has its label."""

import pytest

from bot.demo.conversations import CONVERSATIONS
from model import Classifier
from model.verdict import Sentiment

NEGATIVE, NEUTRAL, POSITIVE = Sentiment

LABELS = {
    "morning all ☕": {NEUTRAL, POSITIVE},
    "the bakery by the station brought back the cinnamon rolls and they go HARD 🔥": {POSITIVE},
    "get one before the 9am crowd does": {NEUTRAL},
    "train 40 min late again. third time this week. i am so done with this line 😤": {NEGATIVE},
    "not the 7:12 again 💀": {NEGATIVE},
    "reminder: the cookbook swap moved to 15:30, same room": {NEUTRAL},
    "thx, does it still need a sign-up?": {NEUTRAL},
    "nope, just bring a book": {NEUTRAL},
    "new phone camera is kinda mid ngl. for that price?? nah": {NEGATIVE},
    "update: conductor gave everyone free coffee, faith in humanity restored 🥹": {POSITIVE},
    "we love to see it": {POSITIVE},
    "oh great, another update that moved every button. exactly what nobody asked for": {NEGATIVE},
    "finally saw the lighthouse one. did not expect to cry, gorgeous from start to end": {POSITIVE},
    "the sequel tho? two hours of explosions and not one idea. walked out": {NEGATIVE},
    "you walked out of a MOVIE?": {NEUTRAL},
    "does the early showing have subtitles?": {NEUTRAL},
    "only the 18:00 one": {NEUTRAL},
    "loved the cast, the ending lost me completely though": {NEGATIVE, NEUTRAL},
    "that soundtrack lives in my head rent free, absolute banger 🎶": {POSITIVE},
    "popcorn is 11 euros now. ELEVEN. i'm sick": {NEGATIVE},
    "sneak your own in like the rest of us lol": {NEUTRAL, POSITIVE},
    "WE CLUTCHED THAT LAST ROUND LETS GOOO 🎉🎉": {POSITIVE},
    "kofi you actually cooked, insane flick at the end": {POSITIVE},
    "patch notes are up: 2.4, mostly map changes": {NEUTRAL},
    "they nerfed healers AGAIN. who hurt these devs": {NEGATIVE},
    "servers down since noon, i can't with this game anymore 💀": {NEGATIVE},
    "new boss theme slaps so hard i forgot to dodge": {POSITIVE},
    "raid at 20:00, need one more healer": {NEUTRAL},
    "sign me up, nerf or no nerf 🫡": {POSITIVE},
    "lost 40 minutes of progress to a crash. cool cool cool. love that for me": {NEGATIVE},
}

MISSED = {
    "thx, does it still need a sign-up?",
    "sneak your own in like the rest of us lol",
    "sign me up, nerf or no nerf 🫡",
}
"""What the present weights get wrong: thanks beside a question, a joke, and a yes beside a game's word. New weights
that get one right fail its test until it is out of here."""


@pytest.fixture(scope="module")
def lines():
    return [line.text for conversation in CONVERSATIONS.values() for line in conversation]


def test_every_line_has_a_label(lines):
    assert sorted(lines) == sorted(LABELS)
    assert len(lines) == 30


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, marks=pytest.mark.xfail(strict=True, reason="the present weights") if text in MISSED else ())
        for text in LABELS
    ],
)
async def test_a_line_is_read_as_a_person_would(text):
    async with await Classifier.open(budget=512) as classifier:
        assert (await classifier.classify(text)).sentiment in LABELS[text]
