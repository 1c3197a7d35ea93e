# aiclient in a container: see docs/container.md. Build: docker build -t aiclient .
# One system under both stages; who wants the same image bit by bit passes its digest: --build-arg PYTHON=python@sha256:...
ARG PYTHON=python:3.13-slim-bookworm
FROM ${PYTHON} AS build
WORKDIR /src
# What changes seldom comes first: these wheels are built once.
COPY requirements.lock ./
RUN pip wheel --no-cache-dir --require-hashes --wheel-dir /wheels -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY addons addons
COPY converters converters
COPY creds creds
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM ${PYTHON}
# The root folder may be read-only later: all is compiled now, as it is started (-O).
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --no-deps --no-compile /wheels/*.whl \
    && python -O -m compileall -q "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && useradd --uid 10001 --home-dir /var/lib/aiclient --create-home --shell /usr/sbin/nologin aiclient
# Every interface of the container: it does not start without AICLIENT_API_KEY then.
ENV AICLIENT_HOME=/var/lib/aiclient
ENV AICLIENT_HOST=0.0.0.0
ENV AICLIENT_PORT=3000
ENV PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/aiclient
VOLUME /var/lib/aiclient
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-IO", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['AICLIENT_PORT'] + '/health', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-OP", "-m", "addons"]
CMD ["serve"]
