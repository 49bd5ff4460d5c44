"""Windows over panes, merged over shards: from stored cells to the values that people read."""
