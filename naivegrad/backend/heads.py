"""Shapes of attention, the same on every device."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

Shape = tuple[int, ...]


@lru_cache(64)
def attention_lead(q: Shape, k: Shape, v: Shape) -> Shape:
    """The leading axes of the result: broadcast, and of as many heads as q or v has, if more."""
    heads = max([s[-3] for s in (q, k, v) if len(s) > 2], default=1)
    leads = []
    for s in (q, k, v):
        grouped = len(s) > 2 and 1 < s[-3] < heads
        leads.append((*s[:-3], heads) if grouped else s[:-2])
    return np.broadcast_shapes(*leads)
