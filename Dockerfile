# The core compiled by mypyc: half the CPU. What compiles it is not in the image.
FROM python:3.12 AS build
WORKDIR /src
COPY pyproject.toml setup.py README.md LICENSE ./
COPY stream ./stream
RUN pip install --no-cache-dir . "mypy>=2.4" "setuptools>=77" types-PyYAML
RUN FLOORCAST_COMPILE=1 pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl && rm -r /wheels
RUN useradd --create-home --uid 10001 floorcast
USER floorcast
WORKDIR /home/floorcast
ENTRYPOINT ["floorcast"]
