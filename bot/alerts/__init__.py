"""Alerts: a channel is far below its own usual mood, and later as usual again."""
