"""Copy one file: `python copying.py FROM TO`.

A process of its own, because a writer's lock on its database ends as soon as its process closes
any handle of that file: the writer must never open the file it has open.
"""

import os
import shutil
import sys
from pathlib import Path


def copy(source: Path, target: Path) -> None:
    """Copy the bytes, in the kernel where it can, and put them on disk."""
    shutil.copyfile(source, target)
    with target.open("rb+") as written:
        os.fsync(written.fileno())


if __name__ == "__main__":
    copy(Path(sys.argv[1]), Path(sys.argv[2]))
