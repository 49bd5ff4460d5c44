"""Measurements. `python -m bench` is the whole run on real servers; `bench.core`, `bench.store` run alone."""
