"""`python -m sotto.cli`."""

from sotto.cli.root import main

main()
