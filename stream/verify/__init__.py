"""Recomputes a shard from the log with the pure core, and compares it with the store, key by key."""
