"""What is kept: of messages that were read, of servers and of people; how it is corrected, hidden and forgotten."""
