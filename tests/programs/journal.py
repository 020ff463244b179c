"""What the programs of this folder share: how many steps, the first weights, the losses.

Each program is written as a user of PyTorch would write it, and says `import torch`. PyTorch runs
it, and so does `naivegrad run`; from the same weights both must write the same losses.
"""

import argparse
import json
import math

import torch


class Journal:
    """The options of a program, and the loss of each of its steps."""

    def __init__(self, about, steps, **options):
        parser = argparse.ArgumentParser(description=about)
        parser.add_argument("--steps", type=int, default=steps, help="training steps")
        parser.add_argument("--start", help="write the first weights to this .pt file")
        parser.add_argument("--weights", help="begin with the weights of this .pt file")
        parser.add_argument("--losses", help="write the losses to this file, as JSON")
        parser.add_argument("--float64", action="store_true", help="compute in float64")
        for name, default in options.items():
            kind = {} if isinstance(default, bool) else {"type": type(default)}
            action = "store_true" if isinstance(default, bool) else "store"
            parser.add_argument(
                f"--{name.replace('_', '-')}", action=action, default=default, **kind
            )
        self.options = parser.parse_args()
        self.losses = []
        if self.options.float64:
            torch.set_default_dtype(torch.float64)

    def begin(self, model):
        """Save the weights, or read them, as the options say."""
        if self.options.start:
            torch.save(model.state_dict(), self.options.start)
        if self.options.weights:
            model.load_state_dict(torch.load(self.options.weights))

    def steps(self):
        return range(self.options.steps)

    def full(self):
        """Whether as many steps are noted as were asked for."""
        return len(self.losses) >= self.options.steps

    def note(self, loss):
        loss = float(loss)
        if not math.isfinite(loss):
            raise SystemExit(f"step {len(self.losses)}: the loss is {loss}")
        self.losses.append(loss)

    def end(self):
        print(f"{len(self.losses)} steps: loss {self.losses[0]:.4f} -> {self.losses[-1]:.4f}")
        if self.options.losses:
            with open(self.options.losses, "w") as file:
                json.dump(self.losses, file)
