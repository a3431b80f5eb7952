# The service alone; compose.yaml adds a PostgreSQL.
FROM rust:1.95-bookworm AS build
WORKDIR /build
# Headers for TLS to a managed PostgreSQL (the feature `tls`).
RUN apt-get update \
    && apt-get install -y --no-install-recommends libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
COPY Cargo.toml Cargo.lock build.rs ./
COPY benches benches
# Dependencies in a layer of their own: they change less often than the code.
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && mkdir migrations \
    && cargo build --release --locked --features tls \
    && rm -rf src
COPY migrations migrations
COPY src src
RUN touch src/main.rs src/lib.rs build.rs && cargo build --release --locked --features tls

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/dossier --create-home dossier
COPY --from=build /build/target/release/dossier /usr/local/bin/dossier
USER dossier
WORKDIR /var/lib/dossier
ENV DOSSIER_BIND=0.0.0.0:8080 \
    DOSSIER_DATA_DIR=/var/lib/dossier
EXPOSE 8080
VOLUME /var/lib/dossier
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD curl -fsS http://127.0.0.1:8080/readyz || exit 1
ENTRYPOINT ["dossier"]
CMD ["serve"]
