"""Real servers for tests: Apache Kafka (one KRaft node) and Debian's redis-server, on free loopback ports."""
