"""Measurements on real servers. `python -m bench` is the whole run; `bench.core` and `bench.store` are parts of it by
themselves."""
