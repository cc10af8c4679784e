# Two stages: what builds the venv stays behind. Both start from the same image,
# so that the venv's interpreter is where it was.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/db-watchdog
COPY pyproject.toml README.md LICENSE ./
COPY watchdog ./watchdog
RUN /opt/db-watchdog/bin/pip install . \
    && find /opt/db-watchdog -depth -type d -name __pycache__ -exec rm -rf '{}' + \
    && /opt/db-watchdog/bin/python -m compileall -q /opt/db-watchdog/lib

FROM ${PYTHON_IMAGE} AS runtime
SHELL ["/bin/bash", "-o", "pipefail", "-c"]

# pg_dump refuses a server newer than itself and reads all older ones: take the
# newest major, of PostgreSQL's own repository (apt.postgresql.org).
#   POSTGRES_CLIENT=pgdg    from PGDG_MIRROR, which may be a mirror of yours
#   POSTGRES_CLIENT=debian  Debian's own, for servers up to that major
#   POSTGRES_CLIENT=base    the base image has one below /usr/lib/postgresql
ARG POSTGRES_CLIENT=pgdg
ARG POSTGRES_CLIENT_MAJOR=18
ARG PGDG_MIRROR=https://apt.postgresql.org/pub/repos/apt
ARG PGDG_KEY=https://www.postgresql.org/media/keys/ACCC4CF8.asc
# Major versions are pinned; minor ones are fixes, and wanted at every build.
# hadolint ignore=DL3008
RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    case "${POSTGRES_CLIENT}" in \
      base) ;; \
      debian) \
        apt-get update; \
        apt-get install -y --no-install-recommends postgresql-client ;; \
      pgdg) \
        apt-get update; \
        apt-get install -y --no-install-recommends ca-certificates; \
        install -d -m 0755 /usr/share/postgresql-common/pgdg; \
        python3 -c 'import sys, urllib.request; open(sys.argv[2], "wb").write(urllib.request.urlopen(sys.argv[1], timeout=60).read())' \
          "${PGDG_KEY}" /usr/share/postgresql-common/pgdg/apt.postgresql.org.asc; \
        codename="$(. /etc/os-release && echo "${VERSION_CODENAME}")"; \
        echo "deb [signed-by=/usr/share/postgresql-common/pgdg/apt.postgresql.org.asc] ${PGDG_MIRROR} ${codename}-pgdg main" \
          > /etc/apt/sources.list.d/pgdg.list; \
        apt-get update; \
        apt-get install -y --no-install-recommends "postgresql-client-${POSTGRES_CLIENT_MAJOR}" ;; \
      *) echo "POSTGRES_CLIENT is pgdg, debian or base, not ${POSTGRES_CLIENT}" >&2; exit 2 ;; \
    esac; \
    rm -rf /var/lib/apt/lists/*; \
    groupadd --system --gid 10187 db-watchdog; \
    useradd --system --uid 10187 --gid 10187 --home-dir /var/lib/db-watchdog --shell /usr/sbin/nologin db-watchdog; \
    install -d -o db-watchdog -g db-watchdog -m 0700 /var/lib/db-watchdog /var/backups/db-watchdog; \
    install -d -m 0755 /etc/db-watchdog

COPY --from=build /opt/db-watchdog /opt/db-watchdog

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="db-watchdog" \
      org.opencontainers.image.description="Probes, Prometheus metrics, proven backups and hints for PostgreSQL and SQLite" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"

ENV PATH=/opt/db-watchdog/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    DB_WATCHDOG_CONFIG=/etc/db-watchdog/watchdog.yaml \
    DB_WATCHDOG_STATE_DIRECTORY=/var/lib/db-watchdog

# By number, so that an orchestrator can see that it is not root.
USER 10187:10187
WORKDIR /var/lib/db-watchdog
EXPOSE 10187
STOPSIGNAL SIGTERM
# Readiness, not health of the databases: a database that is down is a metric, not a restart.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:10187/readyz', timeout=2)"]
ENTRYPOINT ["db-watchdog"]
CMD ["run"]
