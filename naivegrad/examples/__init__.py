"""Programs to read and to run: `naivegrad train --help`."""
