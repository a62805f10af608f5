"""What the people of the demo's server have said: written for it, in the mixed moods of a real evening."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One message. `answers` is the position in the conversation of the message it replies to."""

    minutes_ago: float
    author: str
    text: str
    answers: int | None = None
    reactions: dict[str, tuple[str, ...]] = field(default_factory=dict)


WITH_A_PAST = ("general", "gaming")
"""The channels that are watched, with a made-up past (`bot.demo.history`)."""

NOTICE_MINUTES_AGO = 95.0
NOTICE = (
    "**I measure the mood here.** Scores only, never the text.\n"
    "This is a demo: the four weeks before today, which `/mood channel` shows, are **made up**. "
    "What you write now counts, and is shown once its hour is over."
)

MODS = "mods"
"""Where alerts and digests are posted."""

TOPICS = {
    "general": "Pull up a chair. Ask Vibecheck how any message sounds. Its mood of the last four weeks is made up.",
    "movies": "What you watched, and whether it was any good",
    "gaming": "Raids, patch notes and rage quits. Its mood of the last four weeks is made up.",
    "mods": "Alerts and digests come here. On a real server only moderators would see this. The past is made up.",
}

STORM_IN = "gaming"
STORM = (
    "the update broke everything, this is horrible",
    "i lost my whole save file, i hate this",
    "worst patch ever, absolute garbage",
    "refund. this is a disgrace",
    "servers down AGAIN, this is awful",
    "they ruined the game, i'm so angry",
    "terrible, terrible, terrible",
    "uninstalling. what a disaster",
)
"""What everybody writes when a visitor starts a storm, one after the other, each once."""

CONVERSATIONS: dict[str, tuple[Line, ...]] = {
    "general": (
        Line(58, "theo", "morning all ☕"),
        Line(55, "maya", "the bakery by the station brought back the cinnamon rolls and they go HARD 🔥"),
        Line(54.5, "maya", "get one before the 9am crowd does", reactions={"🤤": ("kofi", "ines", "theo")}),
        Line(47, "ines", "train 40 min late again. third time this week. i am so done with this line 😤"),
        Line(46, "robin", "not the 7:12 again 💀", answers=3),
        Line(38, "kofi", "reminder: the cookbook swap moved to 15:30, same room"),
        Line(33, "theo", "thx, does it still need a sign-up?", answers=5),
        Line(32, "kofi", "nope, just bring a book"),
        Line(21, "robin", "new phone camera is kinda mid ngl. for that price?? nah"),
        Line(14, "ines", "update: conductor gave everyone free coffee, faith in humanity restored 🥹"),
        Line(13.5, "maya", "we love to see it", answers=9, reactions={"❤️": ("ines", "robin")}),
        Line(4, "theo", "oh great, another update that moved every button. exactly what nobody asked for"),
    ),
    "movies": (
        Line(92, "maya", "finally saw the lighthouse one. did not expect to cry, gorgeous from start to end"),
        Line(88, "robin", "the sequel tho? two hours of explosions and not one idea. walked out"),
        Line(86, "theo", "you walked out of a MOVIE?", answers=1, reactions={"😂": ("maya", "ines")}),
        Line(70, "ines", "does the early showing have subtitles?"),
        Line(68, "kofi", "only the 18:00 one"),
        Line(41, "theo", "loved the cast, the ending lost me completely though"),
        Line(29, "kofi", "that soundtrack lives in my head rent free, absolute banger 🎶"),
        Line(12, "robin", "popcorn is 11 euros now. ELEVEN. i'm sick"),
        Line(6, "maya", "sneak your own in like the rest of us lol", answers=7),
    ),
    "gaming": (
        Line(75, "kofi", "WE CLUTCHED THAT LAST ROUND LETS GOOO 🎉🎉", reactions={"🏆": ("robin", "theo", "maya")}),
        Line(73, "robin", "kofi you actually cooked, insane flick at the end"),
        Line(52, "theo", "patch notes are up: 2.4, mostly map changes"),
        Line(45, "ines", "they nerfed healers AGAIN. who hurt these devs"),
        Line(31, "robin", "servers down since noon, i can't with this game anymore 💀"),
        Line(24, "maya", "new boss theme slaps so hard i forgot to dodge", reactions={"💯": ("kofi",)}),
        Line(17, "theo", "raid at 20:00, need one more healer"),
        Line(15, "ines", "sign me up, nerf or no nerf 🫡", answers=6),
        Line(3, "kofi", "lost 40 minutes of progress to a crash. cool cool cool. love that for me"),
    ),
    "mods": (),
}
