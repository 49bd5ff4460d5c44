"""floorcast: exact, live metrics for support operations. The tree follows the way of the data; see
docs/architecture.md."""

__version__ = "0.1.0"
