"""`python -m yrd` is the same as `yrd`."""

from yrd.cli import main

main()
