"""`python -m quorum`: the command `quorum`."""

from quorum import main

main()
