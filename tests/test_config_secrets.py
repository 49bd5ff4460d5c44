"""Passwords: where they come from, and that nothing shows them."""

import copy
import pickle
from pathlib import Path

import msgspec
import pytest
from rich.pretty import pretty_repr

from stream.config import Config, ConfigError, KafkaConfig, RedisConfig, Secret, describe, load, parse

SECRET = "s3cr3t-Pa55"
SASL = {"security": "sasl_ssl", "username": "u"}


def test_a_password_from_a_file_is_read_when_asked_for_without_its_newline(tmp_path: Path) -> None:
    """So a rotated password is used at the next connection."""
    file = tmp_path / "password"
    config = parse({"redis": {"password_file": str(file)}, "kafka": {**SASL, "password_file": str(file)}})
    file.write_text("first\n")
    assert (config.redis.secret(), config.kafka.secret()) == ("first", "first")
    file.write_text(" with spaces \r\n")
    assert config.redis.secret() == " with spaces "


def test_without_a_password_there_is_none() -> None:
    """No login."""
    assert Config().redis.secret() is None
    assert Config().kafka.secret() is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "no such file"), (b"\n", "the file is empty"), (b"\xff", "it is not UTF-8 text")],
)
def test_a_password_file_that_is_no_use_says_which_and_why(
    content: bytes | None, fault: str, tmp_path: Path
) -> None:
    """The key, the file, what is wrong and what to do."""
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(
        ConfigError, match=f"^redis.password_file: {file}: {fault}.*; write the password into"
    ):
        RedisConfig(password_file=str(file)).secret()


@pytest.mark.parametrize("section", ["kafka", "redis"])
def test_a_password_and_a_password_file_together_are_an_error(section: str) -> None:
    """Nobody has to know which one wins."""
    given = {"password": SECRET, "password_file": "f", **(SASL if section == "kafka" else {})}
    with pytest.raises(ConfigError, match=f"^{section}.password_file: a password is given as well") as caught:
        parse({section: given})
    assert SECRET not in str(caught.value)


def test_user_and_password_of_a_redis_url_are_taken_out_of_it() -> None:
    """The URL can be shown then; percent-encoded characters are decoded."""
    redis = parse({"redis": {"url": "rediss://ann:a%40b%2Fc@[::1]:6380/2"}}).redis
    assert (redis.url, redis.username, redis.secret()) == ("rediss://[::1]:6380/2", "ann", "a@b/c")
    assert RedisConfig(url="redis://:pw@h:1/0").secret() == "pw"
    assert RedisConfig(url="redis://h").url == "redis://h"


@pytest.mark.parametrize(
    ("redis", "expected"),
    [
        ({"password": "other"}, "redis.url: holds a password, and so does redis.password"),
        ({"username": "ben"}, "redis.url: holds a user, and so does redis.username"),
        ({"password_file": "f"}, "redis.password_file: a password is given as well"),
    ],
)
def test_what_the_url_says_is_not_said_again(redis: dict[str, str], expected: str) -> None:
    """A user or password in the URL and in a key of its own is an error."""
    with pytest.raises(ConfigError) as caught:
        parse({"redis": {"url": f"redis://ann:{SECRET}@h:1/0", **redis}})
    assert str(caught.value).startswith(expected)
    assert SECRET not in str(caught.value)


def test_no_text_made_of_a_configuration_shows_a_password() -> None:
    """repr, str, rich, pprint of the fields and `describe`; msgspec refuses to encode it."""
    config = parse({"kafka": {**SASL, "password": SECRET}, "redis": {"url": f"redis://ann:{SECRET}@h:1/0"}})
    assert config.kafka.secret() == config.redis.secret() == SECRET
    texts = [repr(config), str(config), f"{config.redis}", pretty_repr(config), describe(config)]
    texts += [str(msgspec.structs.asdict(config.kafka)), repr(Secret(SECRET)), f"{Secret(SECRET)!s}"]
    assert [text for text in texts if SECRET in text] == []
    assert "***" in describe(config)
    with pytest.raises(TypeError) as caught:
        msgspec.json.encode(config)
    assert SECRET not in str(caught.value)


def test_a_configuration_can_be_copied_to_another_process() -> None:
    """Passwords are kept through copying and pickling, and compare as their text."""
    kafka = KafkaConfig(security="sasl_ssl", username="u", password=Secret(SECRET))
    assert copy.deepcopy(kafka) == pickle.loads(pickle.dumps(kafka)) == kafka
    assert kafka != KafkaConfig(security="sasl_ssl", username="u", password=Secret("other"))
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize(
    "text",
    [
        f"redis: {{url: 'redis://ann:{SECRET}@h:99999/0'}}",
        f"redis: {{url: 'redis://ann:{SECRET}/x@h:1/0'}}",
        f"redis: {{url: 'redis://h:1/0?password={SECRET}'}}",
        f"redis: {{url: 'redis://[{SECRET}'}}",
        f"redis: {{url: ['redis://ann:{SECRET}@h:1/0']}}",
        f"redis: redis://ann:{SECRET}@h:1/0",
        f"redis: {{password: [{SECRET}]}}",
        f"redis: {{password: {{{SECRET}: 1}}}}",
        f"redis: {{password: *{SECRET}}}",
        f"redis: {{password: !{SECRET} x}}",
        f"redis: {{password: !{SECRET}!x y}}",
        f"redis: {{password: &{SECRET} a, namespace: &{SECRET} b, x: *{SECRET}}}",
        f"redis: {{password: '{SECRET}",
        f'redis: {{password: "{SECRET}\\q"}}',
        f"redis:\n  password: {SECRET}: x",
        f"redis:\n  password: %{SECRET}\n  url: @{SECRET}",
        f"redis: {{password: {SECRET}, password: {SECRET}2}}",
        f"kafka: {{bootstrap: 'kafka://ann:{SECRET}@h:1'}}",
        f"kafka: {{password: {SECRET}}}",
    ],
)
def test_no_error_shows_a_password(text: str, tmp_path: Path) -> None:
    """Wrong values, wrong places and broken YAML around a password; nor does the exception's context."""
    file = tmp_path / "f.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, env={})
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    assert SECRET not in repr(caught.value.__context__)
    assert SECRET not in str(caught.value.__context__)


def test_no_error_shows_a_password_from_the_environment() -> None:
    """A bad URL in a variable, or a password where none is used, names the variable only."""
    env = {"FLOORCAST_REDIS_URL": f"redis://ann:{SECRET}@h:x/0", "FLOORCAST_KAFKA_PASSWORD": SECRET}
    with pytest.raises(ConfigError) as caught:
        load(env=env)
    assert "FLOORCAST_REDIS_URL" in str(caught.value)
    assert "FLOORCAST_KAFKA_PASSWORD: kafka.password: is not used" in str(caught.value)
    assert SECRET not in str(caught.value)
