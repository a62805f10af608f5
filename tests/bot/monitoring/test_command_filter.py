"""What is taken for another bot's command, and what people write that only looks like one."""

import time

import pytest

from bot.monitoring.command_filter import is_command

COMMANDS = """
!play never gonna give you up
!skip
!rank
!love bob alice
!kick @user
!d bump
!discord
!8ball will it rain
!Daily
!HELP
!clip
!socials
!so somebody
!set-prefix $
!eval print(1)
!tag how to ask
!!skip
?rank
?warn @user spam
?faq
?tag roles
?rtfm commands.Bot
?avatar
?purge 20
-skip
-play lofi hip hop
-queue
-np
-fs
--shuffle
$work
$daily
$slots 50
$wa
$tu
$roll 2d6
$balance
.help
.daily
.rank @user
.lyrics
%profile
&volume 50
&leave
+play despacito
+warn @user
=play something slow
=stop
~help
~hug @user
>buy sword
>inventory
>>ping
;loop
;;pause
/ban @user
/giveaway
,help
,whois @user
^balance
t!daily
t!rank
m!play despacito
k!ping
rpg!hunt
  !play with a space before
""".strip("\n").split("\n")

TALK = """
-_-
-.-
-w-
!!!
!
!?
?!
?
???
...
... what
...what do you mean
..ok
. . .
$5 for that
$5k is too much
$tupid game
$hit this is bad
$TSLA to the moon
- list item
-milk
-love, sam
-1
-1 for this idea
-ish
--
---
.5 seconds
.net is fine
.exe does not start
.io games are fun
!important?
!!!wow
!STOP DOING THAT
!WHAT
?what
?why though
?huh
?que
~cute~
~hugs everyone~
~ish
~10 people
~half of them came
*waves*
*waves at everyone*
*their
*you're
**bold** words
***
/s
/j
/gen
/srs
/lh
/hj
/pos
/neg
/nm
/rant i hate this
/s obviously
/r/gaming is down
//
/
>:(
>:)
>.<
>_>
>quote
>be me
>implying
> a real quote
>100 people
=)
=D
=(
==
;)
;D
;p
;-;
;_;
+1
+1 to that
+rep
++
%
100% this
&
& then he left
^
^^
^ this
^this
, and then
,,
hey!stop
wow!nice
no!stop it
omg!help
e.g. this
a.k.a. me
yo! play something
pls beg
play despacito
i typed !play and nothing came
the command is !play
what does $work do
@everyone !play
http://example.com/play
<@123> help
# title
1. first
(play)
"!play"
'-skip'
_italic_
`!play`
¡hola
""".strip("\n").split("\n")

SEVERAL_LINES = ["-buy milk\n-sell the car\n-work", ">play with me\n>leave", "+help\nis what i need"]


@pytest.mark.parametrize("text", COMMANDS)
def test_a_command_is_known_by_its_prefix_and_word(text):
    assert is_command(text)


@pytest.mark.parametrize("text", ["", " ", "\n", *TALK, *SEVERAL_LINES])
def test_what_people_write_is_no_command(text):
    assert not is_command(text)


def test_the_lists_are_as_long_as_they_should_be():
    assert len(set(COMMANDS)) >= 60
    assert len(set(TALK)) >= 80


def test_a_command_of_several_lines_is_one():
    assert is_command("!eval ```py\nprint(1)\n```")


@pytest.mark.parametrize("unit", ["a", "1", "-", "!", "_", " ", "a!", ".a", "\n", "é"])
def test_no_text_takes_long(unit):
    for prefix in ("", "!", "-", "t!", "$"):
        start = time.perf_counter()
        is_command(prefix + unit * 200_000)
        assert time.perf_counter() - start < 0.5
