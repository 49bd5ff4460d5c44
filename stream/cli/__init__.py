"""The command `floorcast`: one file a command."""
