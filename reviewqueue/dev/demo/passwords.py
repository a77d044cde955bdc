"""Passwords that a person can read from a terminal and type."""

import secrets

_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aeiou"


def new_password() -> str:
    """Three made-up words, like "batiro-seluma-novike": nine syllables of 80 each, 56 random bits."""
    return "-".join("".join(_syllable() for _ in range(3)) for _ in range(3))


def _syllable() -> str:
    return secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS)
