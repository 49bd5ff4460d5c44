"""Real runs: a real Kafka, a real Redis and three workers, hurt every few seconds."""
