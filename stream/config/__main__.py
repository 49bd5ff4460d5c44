"""`python -m stream.config > docs/configuration.md`."""

from stream.config import config_markdown

print(config_markdown(), end="")
