"""`/monitor`: admins choose what is watched, and see what that does."""
