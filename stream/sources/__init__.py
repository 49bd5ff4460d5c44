"""How events come into Kafka: checked, published, imported from other systems' exports. Speaks Kafka only."""
