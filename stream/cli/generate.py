"""`floorcast generate`: rules, alerts and dashboards, from the catalog and the configuration."""

from __future__ import annotations

from pathlib import Path

import click

from stream.cli.options import config_option, resolve
from stream.config import Config


@click.command("generate")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("grafana"),
    show_default=True,
    metavar="DIR",
    help="Where the files go.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail when DIR has not what would be written.")
@config_option
def command(output: Path, check: bool, config_path: Path | None) -> None:
    """Write the dashboards of Grafana, the rules of Prometheus and what they and Alertmanager are configured
    with.

    What stands in DIR under these names is replaced, and what was made before and is made no more is removed;
    other files are left alone.
    """
    texts = _texts(resolve(config_path))
    gone = _gone(output, texts)
    changed = [path for path, text in texts.items() if _read(output / path) != text]
    if check:
        for path in (*changed, *gone):
            click.echo(f"{output / path} differs", err=True)
        if changed or gone:
            raise click.ClickException("run `floorcast generate` with the same configuration")
        click.echo(f"{output} is current: {len(texts)} files")
        return
    for path in changed:
        (output / path).parent.mkdir(parents=True, exist_ok=True)
        (output / path).write_text(texts[path], encoding="utf-8")
    for path in gone:
        (output / path).unlink()
    click.echo(f"{output}: {len(texts)} files, {len(changed)} written, {len(gone)} removed")


def _texts(config: Config) -> dict[str, str]:
    try:
        from stream.generate.files import files
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("grafana_foundation_sdk"):
            raise
        raise click.ClickException(
            "dashboards are made with grafana-foundation-sdk, which is not installed: "
            "pip install 'floorcast[grafana]'"
        ) from None
    return files(config)


def _gone(output: Path, texts: dict[str, str]) -> list[str]:
    """What this command has made before and makes no more."""
    from stream.generate.text import is_made

    there = [path.relative_to(output).as_posix() for path in output.rglob("*.*") if path.is_file()]
    return sorted(path for path in there if path not in texts and is_made(path, _read(output / path) or ""))


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
