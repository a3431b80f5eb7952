#!/usr/bin/env bash
# Fuzzes the whole document against the built service, as an administrator and as an agent, with all of schemathesis's
# checks: no 5xx, nothing the document doesn't allow, nothing invalid accepted, nothing valid refused.
#
#     .ci/fuzz.sh [SEED]        EXAMPLES= cases an operation, a phase and a role; SECONDS_EACH= at most for each role;
#                               SCHEMATHESIS= where it is installed
#
# The cases follow from the seed. What the service answers doesn't: its ids and its clock go on. So a failure is a bug,
# though another run with the seed may not meet it; the log shows the request.
set -euo pipefail
cd "$(dirname "$0")/.."
SEED=${1:-1}
EXAMPLES=${EXAMPLES:-10}
SECONDS_EACH=${SECONDS_EACH:-60}

if [ -z "${SCHEMATHESIS:-}" ]; then
    python3 -m venv target/fuzz
    target/fuzz/bin/pip install --quiet --disable-pip-version-check schemathesis==4.32.5
    SCHEMATHESIS=$PWD/target/fuzz/bin/schemathesis
fi
. .ci/service.sh

fuzz() { # ROLE TOKEN
    printf '\nas %s, seed %s\n' "$1" "$SEED"
    (
        cd .ci/fuzz
        FUZZ_TOKEN=$2 PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 "$SCHEMATHESIS" --config-file schemathesis.toml run "$URL/openapi.json" \
            --header "Authorization: Bearer $2" --phases examples,coverage,fuzzing,stateful \
            --seed "$SEED" --max-examples "$EXAMPLES" --max-time "$SECONDS_EACH" \
            --request-retries 2 --no-color --warnings off
    ) > "$FOLDER/fuzz.log" 2>&1 && failed= || failed=yes
    if [ -n "$failed" ]; then
        cat "$FOLDER/fuzz.log" "$FOLDER/service.log"
        exit 1
    fi
    sed -n '/^Test Phases:/,$p' "$FOLDER/fuzz.log"
}

fuzz administrator "$ADMIN_TOKEN"
fuzz agent "$AGENT_TOKEN"
if grep -q '"level":"ERROR".*request failed' "$FOLDER/service.log"; then
    cat "$FOLDER/service.log"
    exit 1
fi
