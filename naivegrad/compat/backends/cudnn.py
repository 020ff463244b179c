"""cuDNN: not there; its switches can be set."""

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """Whether cuDNN can be used."""
    return False


def version() -> None:
    """None: there is no cuDNN."""
