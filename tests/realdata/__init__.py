"""Public logs as input, and what they must amount to, computed from their raw rows.

`adapters.py` turns the files into events; `expected.py` holds the truth and shares nothing with the adapters
but the way to read a row.
"""
