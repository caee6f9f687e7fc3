# The project's commands. `just` lists them.

default:
    @just --list

# Plays an outage against the real daemon: no keys, no network
demo:
    cargo run --release -- demo

# All tests
test:
    cargo test

# The figures of docs/performance.md, in about five minutes; `just bench memory` for one
bench *figures:
    cargo bench --locked --quiet -- {{figures}}

# What a change must pass before it lands
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
    cargo test

# Known advisories, licences and sources of all dependencies
audit:
    cargo deny check
