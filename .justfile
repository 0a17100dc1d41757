# One plain line each. `.ci/run` is the whole list, on a clean checkout.

# Formatting, lints, and the core without storage.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo check -p passport-core --no-default-features

# The README's test command: unit, property, vector, simulation and journey tests, doc-tests.
test:
    cargo test --workspace

# The same tests in parallel processes, doc-tests apart (nextest does not run them).
quick:
    cargo nextest run --workspace
    cargo test --workspace --doc

# Coverage-guided fuzzing of `importers`, `exports` or `protocol`, until something is found or for
# `-max_total_time=SECONDS`. Needs a C++ compiler; folders of more to begin with may follow.
[working-directory: 'tests/fuzz']
fuzz target *more:
    mkdir -p ../../target/fuzz/corpus/{{target}}
    cargo run --profile fuzz --features libfuzzer --bin {{target}} -- -max_len=4096 -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 ../../target/fuzz/corpus/{{target}} corpus/{{target}} {{more}}

# API documentation, warnings are errors.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace

# Licences, sources and bans of every dependency.
deny:
    cargo deny --locked check bans licenses sources

# The same, and known vulnerabilities: needs the public advisory database.
advisories:
    cargo deny --locked check advisories

# The whole story with real processes.
demo:
    cargo run --release -- demo

# Benchmarks. Compare only figures of one interleaved run on one machine.
bench:
    cargo bench --workspace

# Everything, as it is before a change lands.
ci:
    .ci/run
