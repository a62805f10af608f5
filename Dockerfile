# syntax=docker/dockerfile:1
# The bot in an image: no compiler, an account of its own, nothing to write to but /data and /tmp, and the weights inside.
# docs/operations.md says how to run it. No registry of images was reached where this was written, so there is no digest here;
# the workflow for forks builds by the digest of the day, and docs/releasing.md says how a release gets its own:
#   docker buildx imagetools inspect python:3.12-slim-bookworm --format '{{.Manifest.Digest}}'
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN apt-get update && apt-get install --yes --no-install-recommends binutils
WORKDIR /src
COPY locks/build.txt locks/postgres.txt locks/
RUN python -m venv /opt/vibecheck \
    && /opt/vibecheck/bin/pip install --no-compile --require-hashes --requirement locks/build.txt --requirement locks/postgres.txt
COPY . .
# What is needed to install, to develop, to convert models or to look for faults in libraries is not needed to run. Nor is
# another way to fetch from the hub than HTTP, a second copy of ONNX Runtime (its Python module holds one), and how languages
# that the bot does not speak write their dates. What is used at a start is compiled. Not *.libs: those do not bear strip.
# `python -m tests.image` does these steps without an engine, weighs what they make, and runs it.
RUN /opt/vibecheck/bin/pip install --no-compile --no-deps --no-build-isolation . \
    && /opt/vibecheck/bin/pip uninstall --yes hf-xet setuptools pip \
    && find /opt/vibecheck -name tests -type d -prune -exec rm -rf {} + \
    && find /opt/vibecheck -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -delete \
    && rm -rf /opt/vibecheck/lib/python*/site-packages/onnxruntime/transformers \
    && rm -f /opt/vibecheck/lib/python*/site-packages/onnxruntime/capi/libonnxruntime.so.* \
    && find /opt/vibecheck -regextype posix-extended -path '*/babel/locale-data/*.dat' \
        -not -regex '.*/(root|en|de|es|fr|ja|pl|pt|tr)[._].*' -delete \
    && find /opt/vibecheck -name '*.so' -not -path '*.libs/*' -exec strip --strip-debug {} + \
    && /opt/vibecheck/bin/vibecheck score "what a lovely day" \
    && { DATA_DIR=/tmp /opt/vibecheck/bin/vibecheck check || test $? = 1; }

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
