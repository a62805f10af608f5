"""Slash commands and menus, a file or folder each."""
