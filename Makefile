# Each target is one or two plain commands: see here what to type without make.

.PHONY: run test lint openapi fuzz-api bench-search postgres tools

# The development profile: a newcomer's first build takes half as long as a release build, and is fast enough to see.
run: postgres
	cargo run

# Everything that CI needs.
test: postgres tools
	cargo test

lint:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

openapi:
	cargo run --quiet -- openapi > openapi/openapi.json

# Cases made from the document, against the built service: make fuzz-api SEED=7. Takes some ten minutes.
SEED = $(shell date +%s)
fuzz-api: postgres
	cargo build
	EXAMPLES=100 SECONDS_EACH=3600 .ci/fuzz.sh $(SEED)

# Makes a million profiles in BENCH_DIR (target/bench) the first time; SCALE, NAMES and PARTS as benches/search/main.rs says.
bench-search: postgres
	cargo bench --bench search

# What is missing on the machine: $(call install,Debian's packages,Homebrew's).
install = if command -v brew; then brew install $(2); \
	elif command -v apt-get && [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -y $(1); \
	elif command -v apt-get && sudo -n true; then sudo apt-get update -q && sudo apt-get install -y $(1); \
	else echo "Something is missing: type \`sudo apt-get install -y $(1)\`." >&2; exit 1; fi > /dev/null

# The PostgreSQL server's programs, which the service and the tests find and start.
PROGRAMS = $(wildcard /usr/lib/postgresql/*/bin/pg_ctl /usr/pgsql-*/bin/pg_ctl \
	/opt/homebrew/opt/postgresql@*/bin/pg_ctl /usr/local/opt/postgresql@*/bin/pg_ctl)
postgres:
	@[ -n "$$DATABASE_URL$$TEST_DATABASE_URL$(PROGRAMS)" ] || command -v pg_ctl > /dev/null || \
	{ $(call install,postgresql,postgresql@17); }

# What the README's tour types.
tools:
	@{ command -v curl && command -v jq; } > /dev/null || { $(call install,curl jq,curl jq); }
