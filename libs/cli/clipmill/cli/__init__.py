"""The `clipmill` command: all of clipmill on one machine, and a client for any server."""
