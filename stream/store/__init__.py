"""The image of every shard in Redis or Valkey: the only package that speaks to it.

Others need `RedisStore` and the errors that it raises. Which keys there are stands in layout.py.
"""

from stream.store.commit import new_commit_id
from stream.store.errors import Fenced, ImageMoved, Rejected, StoreError, Unavailable, Unsuitable
from stream.store.generations import Generation, Generations
from stream.store.memory import Memory
from stream.store.reports import Report
from stream.store.store import RedisStore, Waiting
from stream.store.topics import StoredTopic

__all__ = [
    "Fenced",
    "Generation",
    "Generations",
    "ImageMoved",
    "Memory",
    "RedisStore",
    "Rejected",
    "Report",
    "StoreError",
    "StoredTopic",
    "Unavailable",
    "Unsuitable",
    "Waiting",
    "new_commit_id",
]
