"""The two stages of a sweep, search and confirmation, and what they share."""
