import numpy as np

RULES: dict[str, tuple[int, int, int]]

def step(
    rule: str,
    params: list[np.ndarray],
    grads: list[np.ndarray],
    states: list[tuple[np.ndarray | None, ...]],
    numbers: list[tuple[float, ...]],
) -> list[int]: ...
