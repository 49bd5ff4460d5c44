"""`python -m stream` is `floorcast`."""

from stream.cli.main import main

main()
