"""Simulated runs: one seed plays a whole deployment and everything that can go wrong with it.

The workers, the store, the carriers of letters and the dispatcher of alerts are the product's own, and so is
the Redis behind them (the embedded Valkey). The broker, the clocks and the network are ours: one event loop
plays all processes, time passes only when nothing else can happen, and every choice is drawn from the seed.

    make simulate SEED=1 RUNS=1000
"""
