"""Cut the play that is part of the package out of the Tiny Shakespeare file.

    python tools/make_romeo.py input.txt

Writes naivegrad/data/romeo.txt.gz: the speeches of Romeo and Juliet, from "Gregory, o' my word" to
"Than this of Juliet and her Romeo.". The same input gives the same bytes.
"""

import gzip
import sys
from pathlib import Path

TARGET = Path(__file__).parent.parent / "naivegrad" / "data" / "romeo.txt.gz"
FIRST = "SAMPSON:\nGregory, o' my word"
LAST = "Than this of Juliet and her Romeo.\n"


def main() -> None:
    """Write the file and say how long it is."""
    text = Path(sys.argv[1]).read_text(encoding="ascii")
    play = text[text.index(FIRST) : text.index(LAST) + len(LAST)]
    TARGET.write_bytes(gzip.compress(play.encode("ascii"), 9, mtime=0))
    print(f"{TARGET.name}: {len(play):,} characters, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
