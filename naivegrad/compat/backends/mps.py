"""Apple's GPU: not there."""


def is_available() -> bool:
    """Whether it can be used."""
    return False


def is_built() -> bool:
    """Whether this build knows it."""
    return False
