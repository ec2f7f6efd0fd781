"""What keeps a measurement from being made."""


class Problem(Exception):
    """Says what failed, where, and what to do next; shown to the user as it is."""
