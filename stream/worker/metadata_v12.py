"""Kafka's metadata request in version 12, the first with usable topic ids; aiokafka stops at version 5."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from io import BytesIO

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)


class Uuid(AbstractType[str | None]):  # type: ignore[misc]  # aiokafka has no types
    """Kafka's UUID as its tools print it; None for the zero UUID (= not known)."""

    @classmethod
    def encode(cls, value: str | None) -> bytes:
        """Only zero: we send none."""
        assert value is None
        return bytes(16)

    @classmethod
    def decode(cls, data: BytesIO) -> str | None:
        """Reads 16 bytes."""
        raw = data.read(16)
        return urlsafe_b64encode(raw).rstrip(b"=").decode() if any(raw) else None


_PARTITION = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)),
    ("isr", CompactArray(Int32)),
    ("offline_replicas", CompactArray(Int32)),
    ("tags", TaggedFields),
)
_TOPIC = (
    ("error_code", Int16),
    ("topic", CompactString("utf-8")),
    ("topic_id", Uuid),
    ("is_internal", Boolean),
    ("partitions", CompactArray(*_PARTITION)),
    ("authorized_operations", Int32),
    ("tags", TaggedFields),
)
_BROKER = (
    ("node_id", Int32),
    ("host", CompactString("utf-8")),
    ("port", Int32),
    ("rack", CompactString("utf-8")),
    ("tags", TaggedFields),
)


class TopicIdResponse(Response):  # type: ignore[misc]
    """Metadata response version 12."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(*_BROKER)),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC)),
        ("tags", TaggedFields),
    )


class TopicIdRequestV12(RequestStruct):  # type: ignore[misc]
    """Metadata request version 12."""

    API_KEY = 3
    API_VERSION = 12
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = TopicIdResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicIdRequest(Request[TopicIdRequestV12]):  # type: ignore[misc]
    """Asks for topics by name."""

    API_KEY = 3

    def __init__(self, topics: list[str], rights: bool = False) -> None:
        """`rights`: also what this user may do with each topic, as bits (Kafka's AclOperation)."""
        self._topics = topics
        self._rights = rights

    def build(self, request_struct_class: type[TopicIdRequestV12]) -> TopicIdRequestV12:
        """The request on the wire."""
        return request_struct_class([(None, topic, {}) for topic in self._topics], False, self._rights, {})
