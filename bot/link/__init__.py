"""The link to Discord: which commands are registered, what it refuses for a while, and events that cannot be read."""
