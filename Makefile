# Each target is one or two plain commands: see here what to type without make.

.PHONY: run test lint openapi fuzz-api postgres

# The development profile: a newcomer's first build takes half as long as a release build, and is fast enough to see.
run: postgres
	cargo run

# Everything that CI needs.
test: postgres
	cargo test

lint:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

openapi:
	cargo run --quiet -- openapi > openapi/openapi.json

# Ten times as many cases as CI runs, from another seed: make fuzz-api SEED=7.
SEED = $(shell date +%s)
fuzz-api: postgres
	cargo build
	EXAMPLES=100 .ci/fuzz.sh $(SEED)

# The PostgreSQL server's programs, where they are missing; the service and the tests find and start them.
APT = apt-get install -y postgresql
PROGRAMS = /usr/lib/postgresql/*/bin/pg_ctl /usr/pgsql-*/bin/pg_ctl \
	/opt/homebrew/opt/postgresql@*/bin/pg_ctl /usr/local/opt/postgresql@*/bin/pg_ctl
postgres:
	@if [ -n "$$DATABASE_URL$$TEST_DATABASE_URL" ] || command -v pg_ctl || ls $(PROGRAMS) 2> /dev/null | grep .; then :; \
	elif command -v brew; then brew install postgresql@17; \
	elif command -v apt-get && [ "$$(id -u)" = 0 ]; then apt-get update -q && $(APT); \
	elif command -v apt-get && sudo -n true; then sudo apt-get update -q && sudo $(APT); \
	else echo "PostgreSQL 14 or newer is missing: type \`sudo $(APT)\`, or set DATABASE_URL to a server." >&2; exit 1; \
	fi > /dev/null
