"""Messages that are commands for other bots: what somebody has a bot do says nothing of how they feel.

A command is a prefix and a word directly behind it, at the very beginning. People begin messages like that, too: with
an emoticon ("=D"), a tone tag ("/gen"), a file's ending (".exe"), a list ("-milk"), a quote (">be me"), a letter in
disguise ("$tupid"). So behind most prefixes only words that bots know count, and only in a message of one line. Behind
"!" and "?", with which hardly anybody begins a word, any word does. "*" is no prefix: people correct themselves with
it. Talk that is taken for a command is somebody who is not heard, so where in doubt it is talk.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KNOWN = _words(
    """
    8ball about addrole afk announce anime announcement autorole avatar ban bal balance bank banner bass bassboost beg
    bet bj blackjack buy calc cat catch cf claim clean clear clearqueue coinflip coin color commands craft crime
    cooldown cooldowns convert cry cuddle daily dank dep deposit deleterole dice disconnect dog duel eval explore faq
    farm feedback fight filter fish flip forceplay forceskip fs gamble gif giveaway giverole help heist hug hunt info
    interest inv inventory invite invites jail join kick kill kiss lb leaderboard leave level levels lick lock lockdown
    loop lyrics marry meme modlogs move mute muted music np nowplaying nick open owo pat pause pay ping play playlist
    playnext playskip playtop poke pokedex poll prefix previous profile prune purge queue quiz rank ranks remindme
    reminder remove removerole repeat replay reset restart resume rewind rob role roles roll rps rules search seek
    sell serverinfo setprefix settings setup shop shuffle skip skipto slap slots slowmode softban soundboard spotify
    spin stats start stop suggest summon tag tempban ticket tickets timeout timer top trade translate tts trivia unban
    unlock unmute update upgrade uptime urban use userinfo vol volume vote votes voteskip warn warnings warns weather
    weekly welcome whois wiki withdraw work yt youtube
    """
)
"""Words of the music, moderation, economy and game bots that are met most."""

_ROLLS = _words("dk ha hg hx ma mg mm mu rolls tu wa wg wx")
"""What Mudae's players type behind "$" all day."""

_QUESTIONS = _words(
    """
    anyone are bruh can did do does eh er excuse he how huh hm hmm hmmm i idk is it like lol no oh ok okay que really
    serious seriously she so sorry that they this uh um wait wdym wha what whats when where which who whos why wtf wut
    wym yeah yes you
    """
)
"""What people write behind a question mark that slipped to the front."""

_EXCLAIMED = _words(
    """
    ah aw bro damn dude eek eww ew gg go god guys haha help hey hi ha ho lol man mom nah nice no nope oh ok omg oof ooh
    ow plz pls stop sus ugh uh wait wow wtf yay yeah yep yes yo
    """
)
"""What people write before an exclamation mark with no space behind it; other short words are prefixes of bots."""

_END = r"(?=\s|\Z)"
_OPEN = re.compile(rf"([!?])([^\W\d_][\w-]{{0,30}}){_END}")
_OTHER = re.compile(rf"([-$.%&+=~>;/,^!?])\1?([\w-]{{1,20}}){_END}")
_OWN = re.compile(rf"([a-z]{{1,4}})!([\w-]{{1,20}}){_END}")
"""As in "t!daily" and "rpg!hunt"."""


def is_command(text: str) -> bool:
    """Whether a message is another bot's command, by its beginning alone."""
    text = text.strip()
    if text.isupper() and " " in text:  # shouted
        return False
    lowered = text[:40].lower()
    if match := _OWN.match(lowered):
        return match[1] not in _EXCLAIMED and match[2] in _KNOWN
    if (match := _OTHER.match(lowered)) and "\n" not in text:
        prefix, word = match.groups()
        if word in _KNOWN or (prefix == "$" and word in _ROLLS):
            return True
    if match := _OPEN.match(text):
        prefix, word = match.groups()
        shouted = len(word) > 1 and word.isupper()
        return not shouted and not (prefix == "?" and word.lower() in _QUESTIONS)
    return False
