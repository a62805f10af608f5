# syntax=docker/dockerfile:1
# The bot in an image: no compiler, an account of its own, nothing to write to but /data and /tmp, and the weights inside.
# docs/operations.md says how to run it. Pin PYTHON_IMAGE by its digest where you build for others.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY locks/build.txt locks/postgres.txt locks/
RUN python -m venv /opt/vibecheck \
    && /opt/vibecheck/bin/pip install --require-hashes --requirement locks/build.txt --requirement locks/postgres.txt
COPY . .
# Of what was needed to install it nothing is needed to run it.
RUN /opt/vibecheck/bin/pip install --no-deps --no-build-isolation . \
    && /opt/vibecheck/bin/pip uninstall --yes setuptools pip \
    && find /opt/vibecheck -name tests -type d -path '*/site-packages/*' -prune -exec rm -rf {} +

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent vibecheck \
    && install -d -o vibecheck -g vibecheck -m 700 /data
COPY --from=build /opt/vibecheck /opt/vibecheck
ENV PATH=/opt/vibecheck/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    METRICS_PORT=9464 \
    MPLCONFIGDIR=/tmp/matplotlib
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=3 CMD ["vibecheck", "health"]
ENTRYPOINT ["vibecheck"]
CMD ["run"]
