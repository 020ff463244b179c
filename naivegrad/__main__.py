"""`python -m naivegrad` is the command `naivegrad`."""

import sys

from naivegrad.cli import main

if __name__ == "__main__":
    sys.exit(main())
