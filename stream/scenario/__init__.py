"""`floorcast test`: scenario files played against the pure core with a hand-moved clock. No Kafka, no
Redis."""
