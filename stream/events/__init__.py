"""The event contract: what floorcast reads, one file a topic, and how bytes become typed events or dead
letters."""
