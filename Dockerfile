# One Parley node.  docker build -t parley .
#
# The first stage compiles; the second holds only the program and the libraries it is
# linked with. Nothing here depends on the architecture: amd64 and arm64 both build.

FROM debian:trixie-slim AS build
# Left behind by every build; scripts/containers-test.sh removes the old ones by this.
LABEL parley.stage=build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        ca-certificates gcc libc6-dev libevent-dev libhiredis-dev libsodium-dev \
        libssl-dev make pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make all \
    && strip --strip-unneeded build/parleyd


FROM debian:trixie-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        libevent-core-2.1-7t64 libevent-extra-2.1-7t64 libevent-openssl-2.1-7t64 \
        libhiredis1.1.0 libsodium23 libssl3t64 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old \
        /var/log/apt /var/log/dpkg.log \
    && groupadd --gid 65532 parley \
    && useradd --uid 65532 --gid parley --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin parley
# The public certificate authorities, for rediss://: the file alone, because the package
# would bring the openssl program along.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/build/parleyd /usr/local/bin/parleyd

ENV PARLEY_LISTEN=0.0.0.0:5050 \
    PARLEY_ADMIN=0.0.0.0:8080 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# By number, so that an orchestrator can see that it is not root.
USER 65532:65532
# The admin port (health, metrics) is for the load balancer and the operator only.
EXPOSE 5050 8080
STOPSIGNAL SIGTERM
# Healthy: the event loop turns. Redis is not asked: a node without Redis keeps its clients
# and must not be replaced for it. bash can open a connection by itself.
HEALTHCHECK --interval=5s --timeout=4s --start-period=10s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${PARLEY_ADMIN##*:} && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 3 line <&3 && [[ $line == *' 200 '* ]]"]
ENTRYPOINT ["/usr/local/bin/parleyd"]

ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="parley" \
      org.opencontainers.image.description="Chat relay over plain TCP that scales by identical nodes" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
