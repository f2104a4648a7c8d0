# The full image has the C compiler that gunicorn-h1c needs: it comes as source only.
FROM python:3.12 AS build

WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/connector
COPY requirements-fast.lock ./
RUN /opt/connector/bin/pip install --require-hashes --only-binary :all: --no-binary gunicorn-h1c -r requirements-fast.lock
COPY pyproject.toml README.md LICENSE ./
COPY docs ./docs
COPY connector ./connector
RUN /opt/connector/bin/pip install --no-deps .


FROM python:3.12-slim

# A number instead of a name lets Kubernetes see that it is not root.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin connector \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=build /opt/connector /opt/connector
ENV PATH=/opt/connector/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CONNECTOR_LISTEN=0.0.0.0:8000 \
    CONNECTOR_DATABASE_URL=sqlite:////data/connector.sqlite3

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['CONNECTOR_LISTEN'].rpartition(':')[2]), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["connector"]
CMD ["serve"]
