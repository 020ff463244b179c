"""Sums of products over named axes: einsum and tensordot."""

from __future__ import annotations

import functools
import math
import string
from collections.abc import Sequence
from typing import Any, NamedTuple

from naivegrad.ops._args import into, normalize_axis, require_tensor
from naivegrad.ops.linalg import MatMul, check_dtypes
from naivegrad.tensor import Tensor

Labels = tuple[str, ...]
Lengths = dict[str, int]
_LETTERS = string.ascii_uppercase + string.ascii_lowercase  # of the sublist form: 0 is "A"
_EXACT = 6  # the best order of so many operands is searched for; of more, greedily approached


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sums of products, written by index letters: "bij,bjk->bik" is a batched matrix product.

    Letters that do not appear after "->" are summed over; without "->", those that appear once are
    kept, in alphabetical order. "..." stands for broadcasting axes. A letter repeated in one
    operand takes its diagonal. Instead of letters, numbers below 52 may follow each operand and,
    last, name the result: ``einsum(x, [0, 1], y, [1, 2], [0, 2])``.

    Three and more operands are multiplied in the order that takes the fewest multiplications; each
    step is one batched matrix product. Differentiable in every operand, to any order.

    >>> import naivegrad as ng
    >>> ng.einsum("ij,j->i", ng.ones(2, 3), ng.arange(3.0)).tolist()
    [3.0, 3.0]
    """
    if not isinstance(equation, str):
        equation, operands = _from_sublists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], tuple | list):
        operands = tuple(operands[0])
    for k, x in enumerate(operands):
        require_tensor(x, "einsum", f"operand {k}")
    if len(operands) > 1:
        check_dtypes("einsum", *operands)
    plan = _plan(equation, tuple([x.array.shape for x in operands]))
    parts = [_diagonal(x, labels) for x, labels in zip(operands, plan.terms, strict=True)]
    for i, j in plan.order:
        y, y_labels = parts.pop(j)
        x, x_labels = parts.pop(i)
        later = set(plan.output).union(*[labels for _, labels in parts])
        parts.append(_contract(x, x_labels, y, y_labels, later, plan.lengths))
    result, labels = parts[0]
    gone = tuple([i for i, label in enumerate(labels) if label not in plan.output])
    if gone:
        result = result.sum(gone)
        labels = tuple([label for label in labels if label in plan.output])
    return _permuted(result, labels, plan.output)


class Plan(NamedTuple):
    """What an equation means for operands of some shapes."""

    terms: list[Labels]  # the labels of each operand
    output: Labels
    lengths: Lengths
    order: list[tuple[int, int]]


@functools.lru_cache(1024)
def _plan(equation: str, shapes: tuple[tuple[int, ...], ...]) -> Plan:
    terms, output, lengths = _parse(equation, shapes)
    single = tuple(tuple(sorted(set(labels), key=labels.index)) for labels in terms)
    return Plan(terms, output, lengths, _order(single, output, lengths))


def _permuted(x: Tensor, labels: Labels, wanted: Sequence[str]) -> Tensor:
    """The axes in the order of the wanted labels."""
    return x if labels == tuple(wanted) else x.permute([labels.index(c) for c in wanted])


def _from_sublists(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """einsum(x, [0, 1], y, [1, 2], [0, 2]) as ("AB,BC->AC", (x, y))."""

    def letters(sublist: Any) -> str:
        if not isinstance(sublist, list | tuple) or not all(
            c is Ellipsis or (isinstance(c, int) and 0 <= c < 52) for c in sublist
        ):
            raise ValueError(
                f"einsum: expects a text, or each operand followed by a list of numbers from 0 to "
                f"51 and Ellipsis, got {sublist!r}"
            )
        return "".join("..." if c is Ellipsis else _LETTERS[c] for c in sublist)

    count = len(arguments) // 2
    equation = ",".join(letters(sublist) for sublist in arguments[1 : 2 * count : 2])
    if len(arguments) % 2:
        equation += "->" + letters(arguments[-1])
    return equation, arguments[: 2 * count : 2]


def _parse(equation: str, shapes: Sequence[Any]) -> tuple[list[Labels], Labels, Lengths]:
    """Index labels of operands and result, and their lengths. "..." becomes "...0", "...1"."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    texts = left.split(",")
    if len(texts) != len(shapes) or not shapes:
        raise ValueError(f"einsum: {equation!r} names {len(texts)} operands, got {len(shapes)}")
    lengths: Lengths = {}
    terms = []
    widest = 0
    for k, (text, shape) in enumerate(zip(texts, shapes, strict=True)):
        head, dots, tail = _split(text, equation)
        spare = len(shape) - len(head) - len(tail)
        if spare < 0 or (spare and not dots):
            raise ValueError(
                f"einsum: {text!r} in {equation!r} does not fit operand {k} of shape {shape}"
            )
        widest = max(widest, spare)
        labels = (*head, *[f"...{spare - 1 - i}" for i in range(spare)], *tail)
        own: Lengths = {}
        for label, n in zip(labels, shape, strict=True):
            known = lengths.get(label, 1)
            same = own.setdefault(label, n)  # within an operand nothing is broadcast
            if same != n or (known != n and known != 1 and n != 1):
                raise ValueError(
                    f"einsum: index {label!r} of {equation!r} has length "
                    f"{known if same == n else same} and length {n}"
                )
            lengths[label] = n if known == 1 else known
        terms.append(labels)
    ellipsis = [f"...{widest - 1 - i}" for i in range(widest)]
    if arrow:
        head, dots, tail = _split(right, equation)
        output = (*head, *(ellipsis if dots else ()), *tail)
    else:
        letters = [label for labels in terms for label in labels if "." not in label]
        output = (*ellipsis, *sorted(c for c in letters if letters.count(c) == 1))
    for label in output:
        if label not in lengths or output.count(label) > 1:
            raise ValueError(
                f"einsum: output index {label!r} of {equation!r} is unknown or repeated"
            )
    return terms, output, lengths


def _split(text: str, equation: str) -> tuple[str, str, str]:
    """The letters before "...", the dots, the letters after."""
    head, dots, tail = text.partition("...")
    if any(c not in _LETTERS for c in head + tail):
        raise ValueError(f"einsum: indices must be letters, got {text!r} in {equation!r}")
    return head, dots, tail


def _diagonal(x: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """Axes that share a label become one: the diagonal through them."""
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            i = labels.index(label)
            j = labels.index(label, i + 1)
            x = x.diagonal(0, i, j)  # the diagonal comes last
            labels = (*[c for k, c in enumerate(labels) if k not in (i, j)], label)
    return x, labels


def _order(terms: tuple[Labels, ...], output: Labels, sizes: Lengths) -> list[tuple[int, int]]:
    """Which two operands to multiply, again and again: (i, j), i < j; the product goes last.

    Of up to `_EXACT` operands the cheapest order, found by trying all; of more, always the pair
    that costs least.
    """

    def steps(left: tuple[Labels, ...]) -> list[tuple[int, int, int, tuple[Labels, ...]]]:
        """(multiplications, i, j, what is left after) for each pair."""
        found = []
        for j in range(1, len(left)):
            for i in range(j):
                rest = tuple(labels for k, labels in enumerate(left) if k not in (i, j))
                both = dict.fromkeys((*left[i], *left[j]))
                needed = set(output).union(*rest)
                product = tuple(c for c in both if c in needed)
                found.append((math.prod(sizes[c] for c in both), i, j, (*rest, product)))
        return found

    def best(left: tuple[Labels, ...]) -> tuple[int, list[tuple[int, int]]]:
        if len(left) < 2:
            return 0, []
        pairs = steps(left)
        if len(left) > _EXACT:
            pairs = [min(pairs)]
        totals = []
        for cost, i, j, after in pairs:
            rest, path = best(after)
            totals.append((cost + rest, [(i, j), *path]))
        return min(totals)

    return [(0, 1)] if len(terms) == 2 else best(terms)[1]


def _contract(
    x: Tensor, x_labels: Labels, y: Tensor, y_labels: Labels, later: set[str], lengths: Lengths
) -> tuple[Tensor, Labels]:
    """The product of two operands, summed over the labels that nothing later needs."""
    x, x_labels = _sum_alone(x, x_labels, y_labels, later)
    y, y_labels = _sum_alone(y, y_labels, x_labels, later)
    both = [c for c in x_labels if c in y_labels]
    batch = [c for c in both if c in later]
    summed = [c for c in both if c not in later]
    rows = [c for c in x_labels if c not in both]
    columns = [c for c in y_labels if c not in both]
    batch_lengths = [lengths[c] for c in batch]
    summed_lengths = [lengths[c] for c in summed]
    row_lengths = [lengths[c] for c in rows]
    column_lengths = [lengths[c] for c in columns]
    x = _permuted(x, x_labels, (*batch, *rows, *summed))
    y = _permuted(y, y_labels, (*batch, *summed, *columns))
    x = _joined(x, batch_lengths, row_lengths, summed_lengths)
    y = _joined(y, batch_lengths, summed_lengths, column_lengths)
    z = MatMul.apply(x, y) if summed else x * y
    shape = (*batch_lengths, *row_lengths, *column_lengths)
    if z.array.shape != shape:
        z = z.reshape(shape)
    return z, (*batch, *rows, *columns)


def _joined(x: Tensor, batch: list[int], rows: list[int], columns: list[int]) -> Tensor:
    """x, expanded to these lengths, as a matrix, or a batch of them."""
    lengths = (*batch, *rows, *columns)
    if x.array.shape != lengths:
        x = x.expand(lengths)
    shape = (*([math.prod(batch)] if batch else []), math.prod(rows), math.prod(columns))
    return x if lengths == shape else x.reshape(shape)


def _sum_alone(x: Tensor, labels: Labels, others: Labels, later: set[str]) -> tuple[Tensor, Labels]:
    """Sums over the axes that neither the other operand nor the result has."""
    alone = tuple([i for i, c in enumerate(labels) if c not in others and c not in later])
    if not alone:
        return x, labels
    kept = tuple(c for c in labels if c in others or c in later)
    return x.sum(alone, dtype=x.dtype), kept


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sums of products over several axes of two tensors at once.

    Parameters
    ----------
    a, b : Tensor
    dims : int, or two lists of ints
        The last `dims` axes of a with the first `dims` of b; or which axes of a, and which of b.

    Returns
    -------
    Tensor : the other axes of a, then those of b. Differentiable in both, to any order.

    >>> import naivegrad as ng
    >>> ng.tensordot(ng.ones(2, 3, 4), ng.ones(4, 3), ([1, 2], [1, 0])).tolist()
    [12.0, 12.0]
    """
    require_tensor(a, "tensordot", "a")
    require_tensor(b, "tensordot", "b")
    check_dtypes("tensordot", a, b)
    m, n = a.array.shape, b.array.shape
    left, right = _pairs(dims, len(m), len(n))
    for i, j in zip(left, right, strict=True):
        if m[i] != n[j] and m[i] != 1 and n[j] != 1:
            raise ValueError(
                f"tensordot: axis {i} of a, of length {m[i]}, meets axis {j} of b, of length "
                f"{n[j]} (shapes {m} and {n})"
            )
    # As in einsum, an axis of length 1 is repeated: that is, the other one is summed over.
    a_alone = tuple(i for i, j in zip(left, right, strict=True) if n[j] == 1 != m[i])
    b_alone = tuple(j for i, j in zip(left, right, strict=True) if m[i] == 1 != n[j])
    a = a.sum(a_alone, True, dtype=a.dtype) if a_alone else a
    b = b.sum(b_alone, True, dtype=b.dtype) if b_alone else b
    rows = [i for i in range(len(m)) if i not in left]
    columns = [j for j in range(len(n)) if j not in right]
    k = math.prod(a.array.shape[i] for i in left)
    x = a.permute([*rows, *left]).reshape(math.prod(m[i] for i in rows), k)
    y = b.permute([*right, *columns]).reshape(k, math.prod(n[j] for j in columns))
    z = MatMul.apply(x, y).reshape([*(m[i] for i in rows), *(n[j] for j in columns)])
    return into(out, z, "tensordot")


def _pairs(dims: Any, a_ndim: int, b_ndim: int) -> tuple[list[int], list[int]]:
    """The axes of a and of b that are summed over, from the front."""
    if isinstance(dims, Tensor):
        dims = dims.tolist() if dims.array.ndim else int(dims)
    if isinstance(dims, int):
        if not 0 <= dims <= min(a_ndim, b_ndim):
            raise ValueError(
                f"tensordot: dims={dims} of tensors with {a_ndim} and {b_ndim} dimensions"
            )
        return list(range(a_ndim - dims, a_ndim)), list(range(dims))
    try:
        first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
    except (TypeError, ValueError):
        raise ValueError(f"tensordot: dims is a number or two lists, got {dims!r}") from None
    left = [normalize_axis(d, a_ndim, "tensordot") for d in first]
    right = [normalize_axis(d, b_ndim, "tensordot") for d in second]
    if left and right and not (a_ndim and b_ndim):
        raise IndexError(f"tensordot: a 0-d tensor has no axis to sum over, got dims={dims!r}")
    if len(left) != len(right) or len(set(left)) < len(left) or len(set(right)) < len(right):
        raise ValueError(f"tensordot: dims must pair each axis once, got {dims!r}")
    return left, right
