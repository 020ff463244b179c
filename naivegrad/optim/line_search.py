"""A line search for the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from naivegrad.tensor import Tensor

__all__ = ["Point", "strong_wolfe"]


class Point(NamedTuple):
    """What is known of the function at step t along the line."""

    t: float
    loss: float
    slope: float  # along the line
    grad: Tensor


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    t: float,
    length: float,
    tolerance: float,
    max_steps: int,
    c1: float = 1e-4,
    c2: float = 0.9,
) -> tuple[Point, int]:
    """A point where the loss has fallen enough, and the slope too; and how often it was computed.

        loss(t) <= loss(0) + c1 t slope(0),    |slope(t)| <= c2 |slope(0)|

    First t grows until such a point lies between two that are known (bracket), then these draw
    together (zoom); t is guessed by cubic interpolation.

    Parameters
    ----------
    start : the point at 0
    t : the first guess
    length : the largest element of the direction; points closer than tolerance / length are one
    max_steps : further evaluations, at most

    References
    ----------
    Nocedal & Wright 2006, "Numerical optimization", Algorithms 3.5 and 3.6.
    """

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + c1 * point.t * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    steps = 0
    last, point = start, evaluate(t)
    while steps < max_steps:
        if too_high(point) or (steps > 1 and point.loss >= last.loss):
            break
        if flat(point):
            return point, steps + 1
        if point.slope >= 0:
            break
        t = _interpolate(last, point, point.t + 0.01 * (point.t - last.t), 10 * point.t)
        last, point = point, evaluate(t)
        steps += 1
    else:
        last = start

    ends = [last, point]
    low = 0 if last.loss <= point.loss else 1
    stalled = False  # whether the last guess came close to an end
    while steps < max_steps:
        left, right = sorted(end.t for end in ends)
        if (right - left) * length < tolerance:
            break
        t = _interpolate(*ends, left, right)
        margin = 0.1 * (right - left)
        close = min(right - t, t - left) < margin
        if close and (stalled or t >= right or t <= left):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            close = False
        stalled = close
        point = evaluate(t)
        steps += 1
        if too_high(point) or point.loss >= ends[low].loss:
            ends[1 - low] = point
            low = 0 if ends[0].loss <= ends[1].loss else 1
            continue
        if flat(point):
            return point, steps + 1
        if point.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = point
    return ends[low], steps + 1


def _interpolate(a: Point, b: Point, least: float, most: float) -> float:
    """Where the cubic through two points with their slopes is smallest, between two bounds."""
    a, b = (a, b) if a.t <= b.t else (b, a)
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    d2 = math.sqrt(square)
    over, under = b.slope + d2 - d1, b.slope - a.slope + 2 * d2
    if under == 0:  # a straight line, down to infinity
        return most if over < 0 else least
    return min(max(b.t - (b.t - a.t) * (over / under), least), most)
