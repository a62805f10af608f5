"""Fixed texts whose verdicts travel with each artefact, so that a broken copy or load shows at once."""

GOLDEN_TEXTS = (
    "An unforgettable film, I smiled from the first minute to the last.",
    "Dull, badly acted and far too long. I left before the end.",
    "The raid starts at nine, bring potions.",
    "that boss fight was so hype, easily the best one yet",
    "servers down again, this is getting really annoying",
    "does anyone have the link to the map",
    "lmao i cannot breathe 😂😂",
    "the new skin looks awful, total waste of coins",
    "beautiful soundtrack, but the story bored me",
    "thanks so much for the help yesterday ❤️",
    "i'm on the bus, home in ten",
    "worst update ever, fix your game",
)
