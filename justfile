# The project's commands. `just` lists them.

default:
    @just --list

# Plays an outage against the real daemon: no keys, no network
demo:
    cargo run --release -- demo

# All tests
test:
    cargo test

# What a change must pass before it lands
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
    cargo test

# CPU, memory and bytes a probe costs; ratios within one run
bench:
    cargo bench

# Known advisories, licences and sources of all dependencies
audit:
    cargo deny check

# Against real LLM servers, gateways and a mail server on this machine
e2e:
    tests/e2e/run
