FROM python:3.12-slim

RUN useradd --create-home --uid 10001 floorcast
WORKDIR /src
COPY pyproject.toml setup.py README.md LICENSE ./
COPY stream ./stream
RUN pip install --no-cache-dir .

USER floorcast
WORKDIR /home/floorcast
ENTRYPOINT ["floorcast"]
