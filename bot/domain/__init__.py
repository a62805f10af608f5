"""Records and rules that all rooms of the bot share: no Discord, no database."""
