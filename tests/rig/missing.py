"""A part of the machine that the real servers need and that is not there."""


class MissingPart(RuntimeError):
    """Says which part is missing and how to get it."""
