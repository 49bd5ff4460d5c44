"""`floorcast deadletters`: what was refused, why, and, once that is mended, into its topic again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import click
import msgspec
from rich.console import Console
from rich.table import Table

from stream.cli.options import InputError, config_options, resolve
from stream.cli.reading import reading, safe, wall_ms
from stream.cli.running import run
from stream.cli.until import moment
from stream.config import Config
from stream.events.refusal import ADVICE, Reason
from stream.printable import printable
from stream.query.acceptance import Acceptance, Answer, Outcome
from stream.query.windows import Calendar
from stream.sources.deadletters import Letter, Letters, Original, Place, originals, read_letters
from stream.sources.replay import OtherEvent, corrected, families, in_portions, key_of, send_again

_Command = TypeVar("_Command", bound=Callable[..., Any])
SHOWN_CHARACTERS: Final = 4_000
REFUSED_SHOWN: Final = 20
_SAID: Final[dict[Outcome, str]] = {
    "accepted": "would be counted now",
    "known": "are in their entities' histories already",
    "ignored": "are of a type that nobody reads",
    "refused": "are still refused",
}


class _Place(click.ParamType):
    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        """`support.tickets/3/4711`."""
        topic, _, rest = str(value).partition("/")
        partition, _, offset = rest.partition("/")
        if not (topic and partition.isdecimal() and offset.isdecimal()):
            self.fail(f"{value!r} is no place: write topic/partition/offset, as `list` shows it", param, ctx)
        return Place(topic, int(partition), int(offset))


@dataclass(frozen=True)
class Chosen:
    """Which letters are meant; nothing given means all of that kind."""

    places: Sequence[Place]
    reasons: Sequence[str]
    topics: Sequence[str]
    since_ms: int | None
    until_ms: int | None

    def __bool__(self) -> bool:
        return any((self.places, self.reasons, self.topics, self.since_ms, self.until_ms))

    def takes(self, letter: Letter) -> bool:
        """Whether it is one of them."""
        return (
            (not self.places or letter.original in self.places or letter.own in self.places)
            and (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.original.topic in self.topics)
            and letter.refused_ms >= (self.since_ms or 0)
            and (self.until_ms is None or letter.refused_ms < self.until_ms)
        )


def _choosing(command: _Command) -> _Command:
    """The options that say which letters are meant."""
    for option in (
        click.option("--until", "until_ms", callback=moment, metavar="TIME", help="Refused before that."),
        click.option(
            "--since", "since_ms", callback=moment, metavar="TIME", help="Refused since: 2h, 3d, or a time."
        ),
        click.option("--topic", "topics", multiple=True, help="Its topic, or family such as tickets."),
        click.option("--reason", "reasons", multiple=True, type=click.Choice(list(ADVICE)), help="Why."),
    ):
        command = option(command)
    return command


@click.group("deadletters")
def command() -> None:
    """What was refused: look at it, and send it again once the cause is mended."""


@command.command("list")
@_choosing
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Most shown.")
@click.option("--replayed", is_flag=True, help="Those that were sent again, too.")
@click.option("--json", "as_json", is_flag=True, help="The list for machines.")
@config_options
def list_command(
    limit: int, replayed: bool, as_json: bool, config_path: Path | None, data_dir: Path | None, **chosen: Any
) -> None:
    """List dead letters, the newest first, without their payload."""
    config = resolve(config_path, data_dir)
    wanted = _chosen(config, **chosen)
    found = run(read_letters(config.kafka))
    matching = [letter for letter in reversed(found.letters) if wanted.takes(letter)]
    shown = [letter for letter in matching if replayed or letter.replayed_ms is None]
    calendar = Calendar(config.timezone)
    if as_json:
        summary = {
            "letters": [_plain(letter, calendar) for letter in shown[:limit]], "matching": len(shown),
            "by_reason": Counter(letter.reason for letter in shown),
            "replayed": sum(letter.replayed_ms is not None for letter in matching),
            "left_out": found.left_out,
        }  # fmt: skip
        click.echo(json.dumps(summary))
        return
    if shown:
        Console(highlight=False).print(_table(shown[:limit], calendar))
    click.echo(printable(_summary(shown, len(matching) - len(shown), limit)))
    _say_left_out(found)


@command.command("show")
@click.argument("place", type=_Place())
@click.option("--full", is_flag=True, help="All of the payload, however long.")
@click.option("--json", "as_json", is_flag=True, help="For machines; the payload in base64.")
@config_options
def show(place: Place, full: bool, as_json: bool, config_path: Path | None, data_dir: Path | None) -> None:
    """Show one dead letter with its payload, which may hold personal data.

    PLACE is topic/partition/offset of the original or of the dead letter, as `list` shows them.
    """
    config = resolve(config_path, data_dir)
    original = run(_one(config, place))
    calendar = Calendar(config.timezone)
    if as_json:
        raw = msgspec.to_builtins({"headers": original.headers, "value": original.value})
        click.echo(json.dumps(_plain(original.letter, calendar) | raw))
        return
    for line in _described(original, calendar, None if full else SHOWN_CHARACTERS):
        click.echo(printable(line))


@command.command("replay")
@click.argument("places", nargs=-1, type=_Place())
@_choosing
@click.option("--all", "everything", is_flag=True, help="Every dead letter that was not sent again.")
@click.option("--again", is_flag=True, help="Those that were sent again, too.")
@click.option(
    "--with", "correction", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="Send the event in this file instead of the payload: one PLACE, the same id, source and subject.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would become of them, and send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_options
def replay(
    places: tuple[Place, ...], everything: bool, again: bool, correction: Path | None, dry_run: bool,
    yes: bool, config_path: Path | None, data_dir: Path | None, **chosen: Any,
) -> None:  # fmt: skip
    """Send dead letters into their topics again, those that would be counted now.

    Each is first put to the worker's own rules under this configuration. It is sent with its key, headers and
    bytes, so it is the same event: sent twice it counts once. Exit status 1 when some are still refused.
    """
    config = resolve(config_path, data_dir)
    wanted = _chosen(config, places, **chosen)
    if bool(wanted) == everything:
        raise click.UsageError("say which: PLACES, --reason, --topic, --since, --until, or --all")
    if correction is not None and len(places) != 1:
        raise click.UsageError("--with needs one PLACE")
    if config.clock == "events":
        raise InputError("with `clock: events` a record of today would move time there: import history anew")
    letters = _open(run(read_letters(config.kafka)), wanted, again or correction is not None)
    value = correction.read_bytes() if correction is not None else None
    try:
        judged = run(_judged(config, letters, value))
    except OtherEvent as error:
        raise InputError(f"{correction}: {error}") from None
    for line in _outcomes(judged):
        click.echo(printable(line))
    good = [letter for letter, answer in judged if answer.outcome == "accepted"]
    if good and not dry_run and (yes or click.confirm(_question(good))):
        result = run(send_again(config, _records(config, good, value)))
        click.echo(f"{result.sent} sent")
        if result.trouble is not None:
            raise click.ClickException(f"{result.unsure} are not known to be sent: {result.trouble}")
    raise SystemExit(1 if any(answer.outcome == "refused" for _, answer in judged) else 0)


def _chosen(
    config: Config, places: Sequence[Place] = (), *, reasons: Sequence[str], topics: Sequence[str],
    since_ms: int | None, until_ms: int | None,
) -> Chosen:  # fmt: skip
    names = families(config)
    by_family = {name: topic for topic, name in names.items()}
    wanted = [by_family.get(topic, topic) for topic in topics]
    for topic in wanted:
        if topic not in names:
            raise InputError(f"{topic} is no topic that is counted: {', '.join(by_family)}")
    return Chosen(places, reasons, wanted, since_ms, until_ms)


def _open(found: Letters, wanted: Chosen, again: bool) -> list[Letter]:
    """Those that are meant and were not sent again so far."""
    _say_left_out(found)
    chosen = [letter for letter in found.letters if wanted.takes(letter)]
    known = {place for letter in chosen for place in (letter.original, letter.own)}
    for place in wanted.places:
        if place not in known:
            raise InputError(f"there is no dead letter {place}: `floorcast deadletters list` shows them")
    letters = [letter for letter in chosen if again or letter.replayed_ms is None]
    if len(letters) < len(chosen):
        click.echo(f"{len(chosen) - len(letters)} were sent again before and are left out (--again)")
    return letters


async def _records(config: Config, letters: Sequence[Letter], value: bytes | None) -> AsyncIterator[Original]:
    async for original in originals(config.kafka, letters):
        yield original if value is None else corrected(original, value)


async def _judged(
    config: Config, letters: Sequence[Letter], value: bytes | None
) -> list[tuple[Letter, Answer]]:
    """What would become of each if it were sent now."""
    names = families(config)
    judged: list[tuple[Letter, Answer]] = []
    async with reading(config) as store:
        acceptance = await Acceptance.of(config, store, wall_ms())

        async def ask(one: Original) -> tuple[Letter, Answer]:
            name = names.get(one.letter.original.topic)
            if name is None:
                return one.letter, Answer("refused", "its topic is none that is counted")
            answer = await acceptance.ask(name, key_of(one, name), one.value, one.headers)
            return one.letter, answer

        async for part in in_portions(_records(config, letters, value)):
            judged += await asyncio.gather(*map(ask, part))
    return judged


async def _one(config: Config, place: Place) -> Original:
    found = await read_letters(config.kafka)
    letters = [letter for letter in found.letters if place in (letter.original, letter.own)]
    async for original in originals(config.kafka, letters[:1]):
        return original
    raise InputError(f"there is no dead letter {place}: `floorcast deadletters list` shows them")


def _outcomes(judged: Sequence[tuple[Letter, Answer]]) -> Iterator[str]:
    """What would become of them, the refused ones by reason with what to do."""
    if not judged:
        yield "nothing to send"
        return
    outcomes = Counter(answer.outcome for _, answer in judged)
    yield f"{len(judged)} dead letters: " + ", ".join(
        f"{outcomes[outcome]} {said}" for outcome, said in _SAID.items() if outcomes[outcome]
    )
    refused = [(letter, answer) for letter, answer in judged if answer.outcome == "refused"]
    for reason, count in Counter(answer.reason for _, answer in refused).most_common():
        yield f"  {count} {reason}: {ADVICE.get(cast(Reason, reason), 'see kafka.topics')}"
    for letter, answer in refused[:REFUSED_SHOWN]:
        yield f"  {letter.original}: {_why(answer.reason, answer.path, answer.detail)}"
    if len(refused) > REFUSED_SHOWN:
        yield f"  ... and {len(refused) - REFUSED_SHOWN} more"


def _question(good: Sequence[Letter]) -> str:
    topics = Counter(letter.original.topic for letter in good)
    listed = ", ".join(f"{count} to {topic}" for topic, count in topics.items())
    return f"Send {listed}?"


def _why(reason: str, path: str, detail: str) -> str:
    return f"{reason}{f' at {path}' if path else ''}{f': {detail}' if detail else ''}"


def _described(original: Original, calendar: Calendar, most: int | None) -> Iterator[str]:
    letter = original.letter
    yield f"{letter.original}, as a dead letter {letter.own}"
    yield f"refused   {calendar.text(letter.refused_ms)}"
    yield f"why       {_why(letter.reason, letter.path, letter.detail)}"
    yield f"what now  {ADVICE.get(cast(Reason, letter.reason), 'this version does not know that reason')}"
    if letter.replayed_ms is not None:
        yield f"replayed  {calendar.text(letter.replayed_ms)}"
    yield f"key       {_text(letter.key)}"
    for name, raw in original.headers:
        yield f"header    {name}: {_text(raw)}"
    yield f"payload   {letter.value_bytes} bytes"
    text = (original.value or b"").decode(errors="replace")
    yield from text[:most].splitlines()
    if most is not None and len(text) > most:
        yield f"... {len(text) - most} characters more: --full"


def _plain(letter: Letter, calendar: Calendar) -> dict[str, Any]:
    return {
        "place": str(letter.original), "deadletter": str(letter.own),
        "refused": calendar.text(letter.refused_ms), "reason": letter.reason, "path": letter.path,
        "detail": letter.detail, "key": None if letter.key is None else letter.key.decode(errors="replace"),
        "bytes": letter.value_bytes,
        "replayed": None if letter.replayed_ms is None else calendar.text(letter.replayed_ms),
    }  # fmt: skip


def _table(letters: Sequence[Letter], calendar: Calendar) -> Table:
    table = Table()
    for name in ("refused", "place", "key", "why"):
        table.add_column(name, overflow="fold")
    for letter in letters:
        why = _why(letter.reason, letter.path, letter.detail)
        if letter.replayed_ms is not None:
            why += f" (replayed {calendar.short(letter.replayed_ms)})"
        table.add_row(
            calendar.short(letter.refused_ms), safe(str(letter.original)), safe(_text(letter.key)), safe(why)
        )
    return table


def _summary(shown: Sequence[Letter], hidden: int, limit: int) -> str:
    reasons = Counter(letter.reason for letter in shown).most_common()
    told = f"{len(shown)} dead letters" + "".join(f", {count} {reason}" for reason, count in reasons)
    if len(shown) > limit:
        told += f"; the newest {limit} are shown (--limit)"
    return told + (f"; {hidden} were sent again and are left out (--replayed)" if hidden else "")


def _say_left_out(found: Letters) -> None:
    if found.left_out:
        click.echo(f"{found.left_out} older dead letters are not looked at: there are too many", err=True)


def _text(raw: bytes | None) -> str:
    return "none" if raw is None else raw.decode(errors="replace")
