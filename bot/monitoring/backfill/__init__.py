"""The history of watched channels, read when an admin asks for it, behind everything that is news."""
