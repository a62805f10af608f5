"""The mood of channels: what is kept of messages that were read, how it is corrected, hidden and forgotten.

Nothing here is imported when the bot starts without monitoring; import the modules where they are needed.
"""
