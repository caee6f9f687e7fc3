# watchfire in a small image that runs as nobody. Mount probes.toml into /etc/watchfire and a volume at /var/lib/watchfire:
#   docker run -v ./probes.toml:/etc/watchfire/probes.toml:ro -v watchfire:/var/lib/watchfire -e OPENAI_API_KEY watchfire

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# Dependencies first: they change seldom, and this layer is kept while they do not.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src tests/suite benches/figures && echo 'fn main() {}' | tee src/main.rs tests/suite/main.rs tests/architecture.rs benches/figures/main.rs >/dev/null \
    && touch src/lib.rs && cargo build --release --locked && rm -rf src tests benches
COPY . .
RUN touch src/lib.rs src/main.rs && cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/watchfire --create-home watchfire && chmod 0700 /var/lib/watchfire
COPY --from=build /build/target/release/watchfire /usr/bin/watchfire
COPY probes.toml config/watchfire.toml /etc/watchfire/
USER watchfire
ENV STATE_DIRECTORY=/var/lib/watchfire
WORKDIR /var/lib/watchfire
VOLUME /var/lib/watchfire
# `status` exits 1 while a service is down, which is not an ailment of the container: only other exit codes are.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD watchfire status --prober >/dev/null || exit 1
ENTRYPOINT ["/usr/bin/watchfire"]
CMD ["run", "--probes", "/etc/watchfire/probes.toml", "--config", "/etc/watchfire/watchfire.toml"]
