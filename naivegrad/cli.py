"""The command `naivegrad`: train examples, run programs, say what this installation can do."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from naivegrad._info import show_config
from naivegrad._version import __version__

EXAMPLES = {
    "char-gpt": "a small GPT that writes like Shakespeare",
    "lstm": "a recurrent network that writes like Shakespeare",
    "mnist-cnn": "a convolutional network that reads handwritten digits",
    "mnist-mlp": "two linear layers that read handwritten digits",
    "mnist-vit": "a vision transformer that reads handwritten digits",
    "vae": "a variational autoencoder that makes up handwritten digits",
    "xor": "the smallest network that learns the exclusive or",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # Everything behind the name of an example belongs to the example, --help too.
    if len(arguments) >= 2 and arguments[0] == "train" and arguments[1] in EXAMPLES:
        return _train(arguments[1], arguments[2:])
    if arguments[:1] == ["run"]:
        from naivegrad.run.command import run

        return run(arguments[1:])

    parser = argparse.ArgumentParser(
        prog="naivegrad", description="A deep-learning engine small enough to read."
    )
    parser.add_argument("--version", action="version", version=f"naivegrad {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    train = commands.add_parser(
        "train",
        help="train one of the examples",
        description="Train one of the examples:\n"
        + "\n".join(f"  {name:10}  {about}" for name, about in EXAMPLES.items()),
        epilog="naivegrad train EXAMPLE --help lists the options of an example",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train.add_argument("example", choices=EXAMPLES, metavar="EXAMPLE", help=", ".join(EXAMPLES))
    commands.add_parser("run", help="run a program written for PyTorch")
    commands.add_parser("info", help="print versions, build flags, threads, BLAS, CUDA")
    parser.parse_args(arguments)  # stops on help and on mistakes; what is left is info
    show_config()
    return 0


def _train(example: str, arguments: Sequence[str]) -> int:
    from naivegrad.examples.options import guarded

    program = import_module(f"naivegrad.examples.{example.replace('-', '_')}")
    return guarded(program.main, arguments)


if __name__ == "__main__":
    sys.exit(main())
