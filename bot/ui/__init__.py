"""What people see and press in Discord: embeds, buttons, and how an answer gets to whom."""
