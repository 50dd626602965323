"""`python -m ensemble`: the command line."""

from ensemble.cli.main import main

main()
