"""The bot's classifier for a page in a process of its own: one socket between the two, and what is said over it."""
