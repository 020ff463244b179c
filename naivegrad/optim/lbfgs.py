"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from naivegrad.autograd import enable_grad, no_grad
from naivegrad.ops import cat, view_as_real, zeros
from naivegrad.optim.line_search import Point, strong_wolfe
from naivegrad.optim.optimizer import Optimizer, ParamsT
from naivegrad.optim.options import check_rate, number
from naivegrad.tensor import Tensor

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Limited-memory BFGS: the curvature is guessed from the last steps (Liu & Nocedal 1989).

    One `step` makes up to max_iter iterations and calls its closure, which clears the gradients,
    computes the loss, runs backward and returns the loss, up to max_eval times. All parameters are
    in one group. It remembers 2 * history_size vectors of the length of all parameters together.

    Parameters
    ----------
    params : iterable of parameters
    lr : float                      the length of a step, or the first guess of the line search
    max_iter, max_eval : int        max_eval: by default 1.25 * max_iter
    tolerance_grad : float          stop where no element of the gradient is larger
    tolerance_change : float        stop where loss and parameters change less
    history_size : int
    line_search_fn : None or "strong_wolfe"

    Examples
    --------
    >>> import naivegrad as ng
    >>> p = ng.tensor([-1.0, 2.0], requires_grad=True)
    >>> optimizer = ng.optim.LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> for _ in range(5):
    ...     _ = optimizer.step(closure)
    >>> closure().item() < 1e-6
    True

    References
    ----------
    Nocedal & Wright 2006, "Numerical optimization", Algorithms 7.4 and 7.5.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        defaults = dict(
            lr=lr, max_iter=max_iter, max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad, tolerance_change=tolerance_change,
            history_size=history_size, line_search_fn=line_search_fn,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _check(self, group: dict[str, Any]) -> None:
        if self.param_groups:
            raise ValueError("LBFGS: there can be one parameter group only")
        check_rate("LBFGS", group)
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise ValueError(
                "LBFGS: line_search_fn must be None or 'strong_wolfe', "
                f"got {group['line_search_fn']!r}"
            )

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Go down until one of the limits is met; return the loss before."""
        if not callable(closure):
            raise TypeError(f"LBFGS.step: expected a closure, got {closure!r}")
        group = self.param_groups[0]
        closure = enable_grad()(closure)
        state = self.state[group["params"][0]]  # where PyTorch keeps it, too
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        before = closure()
        loss, grad = _value(before), self._gradient()
        calls = 1
        state["func_evals"] += 1
        if _largest(grad) <= group["tolerance_grad"]:
            return before
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            d = self._direction(state, grad, group["history_size"])
            t = number(group["lr"])
            if state["n_iter"] == 1:
                t *= min(1.0, 1.0 / grad.abs().sum().item())
            state |= {"d": d, "t": t, "prev_flat_grad": grad, "prev_loss": loss}
            slope = grad.dot(d).item()
            if slope > -group["tolerance_change"]:
                break
            new = 0
            if group["line_search_fn"] is not None:
                point, new = strong_wolfe(
                    self._along(d, closure),
                    Point(0.0, loss, slope, grad),
                    t,
                    _largest(d),
                    1e-9,
                    group["max_eval"] - calls,
                )
                state["t"], loss, grad = point.t, point.loss, point.grad
                self._move(point.t, d)
            else:
                self._move(t, d)
                if iteration < group["max_iter"]:  # the last point is for the next step to compute
                    loss, grad, new = _value(closure()), self._gradient(), 1
            calls += new
            state["func_evals"] += new
            if (
                calls >= group["max_eval"]
                or _largest(grad) <= group["tolerance_grad"]
                or _largest(d) * abs(state["t"]) <= group["tolerance_change"]
                or abs(loss - state["prev_loss"]) < group["tolerance_change"]
            ):
                break
        return before

    def _direction(self, state: dict[str, Any], grad: Tensor, history_size: int) -> Tensor:
        """Minus the gradient times the inverse of the curvature, as the last steps show it."""
        if state["n_iter"] == 1:
            state |= {"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1}
            return -grad
        changes, steps, inverses = state["old_dirs"], state["old_stps"], state["ro"]
        y, s = grad - state["prev_flat_grad"], state["d"] * number(state["t"])
        product = y.dot(s).item()
        if product > 1e-10:
            if len(changes) == history_size:
                del changes[0], steps[0], inverses[0]
            changes.append(y)
            steps.append(s)
            inverses.append(1.0 / product)
            state["H_diag"] = product / y.dot(y).item()
        q, shares = -grad, []
        for y, s, inverse in zip(reversed(changes), reversed(steps), reversed(inverses)):
            shares.append(s.dot(q).item() * number(inverse))
            q.add_(y, alpha=-shares[-1])
        q.mul_(number(state["H_diag"]))
        for y, s, inverse, share in zip(changes, steps, inverses, reversed(shares)):
            q.add_(s, alpha=share - y.dot(q).item() * number(inverse))
        return q

    def _along(self, d: Tensor, closure: Callable[[], Any]) -> Callable[[float], Point]:
        """The function along a line; the parameters stay where they are."""
        start = [p.clone() for p in self._params]

        def evaluate(t: float) -> Point:
            self._move(t, d)
            loss, grad = _value(closure()), self._gradient()
            for p, value in zip(self._params, start):
                p.copy_(value)
            return Point(t, loss, grad.dot(d).item(), grad)

        return evaluate

    @property
    def _params(self) -> list[Tensor]:
        return self.param_groups[0]["params"]

    def _gradient(self) -> Tensor:
        """The gradients of all parameters in one vector."""
        grads = [zeros(p.shape, dtype=p.dtype) if p.grad is None else p.grad for p in self._params]
        return cat([_real(grad).reshape(-1) for grad in grads])

    def _move(self, t: float, d: Tensor) -> None:
        start = 0
        for p in map(_real, self._params):
            p.add_(d[start : start + p.numel()].view_as(p), alpha=t)
            start += p.numel()


def _real(x: Tensor) -> Tensor:
    return view_as_real(x) if x.is_complex() else x


def _value(loss: Any) -> float:
    """What the closure returned, as a number."""
    if loss is None:
        raise TypeError("LBFGS.step: the closure must return the loss, got None")
    return float(loss)


def _largest(x: Tensor) -> float:
    return x.abs().max().item()
