"""Teach the smallest network that can do it the exclusive or of two bits.

    naivegrad train xor
    python -m naivegrad.examples.xor --seed 3

No straight line separates the inputs (0,0), (1,1) from (0,1), (1,0), so one linear layer must fail:
with a hidden layer between, the network bends the plane until a line does.
"""

import sys
from collections.abc import Sequence
from typing import Any

import naivegrad as ng
from naivegrad import nn, optim
from naivegrad.examples.options import build_parser, check_device, guarded
from naivegrad.nn import functional as F

DEFAULTS: dict[str, Any] = {"epochs": 500, "lr": 0.05, "seed": 0, "device": "cpu"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and print the truth table that was learned."""
    options = vars(build_parser("xor", __doc__.split("\n")[0]).parse_args(arguments))
    options = DEFAULTS | {name: value for name, value in options.items() if value is not None}
    device = check_device(options["device"])
    if "threads" in options:
        ng.set_num_threads(options["threads"])
    ng.manual_seed(options["seed"])

    inputs = ng.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], device=device)
    targets = ng.tensor([[0.0], [1.0], [1.0], [0.0]], device=device)
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid()).to(device)
    optimizer = optim.Adam(model.parameters(), lr=options["lr"])

    for epoch in range(1, options["epochs"] + 1):
        optimizer.zero_grad()
        loss = F.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        if epoch % 100 == 0:
            print(f"epoch {epoch:4}   loss {loss.item():.5f}")

    with ng.no_grad():
        outputs = model(inputs)
    print("\n a b | a xor b | learned")
    for (a, b), (target,), (output,) in zip(
        inputs.tolist(), targets.tolist(), outputs.tolist(), strict=True
    ):
        print(f" {a:.0f} {b:.0f} |    {target:.0f}    |  {output:.3f}")
    right = int(((outputs > 0.5) == (targets > 0.5)).sum().item())
    print(f"\n{right} of 4 right")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, None))
