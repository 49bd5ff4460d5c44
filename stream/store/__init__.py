"""The image of every shard in Redis or Valkey: the only package that speaks to it.

Others need `RedisStore` and the errors that it raises. Which keys there are stands in layout.py.
"""

from stream.store.commit import new_commit_id
from stream.store.errors import Fenced, ImageMoved, Rejected, StoreError, Unavailable, Unsuitable
from stream.store.store import RedisStore
from stream.store.topics import StoredTopic

__all__ = [
    "Fenced",
    "ImageMoved",
    "RedisStore",
    "Rejected",
    "StoreError",
    "StoredTopic",
    "Unavailable",
    "Unsuitable",
    "new_commit_id",
]
