#!/usr/bin/env bash
# The checked-in document against the recommended rules of Redocly and Spectral: no error, no warning.
set -euo pipefail
cd "$(dirname "$0")/.."
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
cp .ci/lint/package*.json .spectral.yaml openapi/openapi.json "$FOLDER"
cd "$FOLDER"
npm ci --silent --no-audit --no-fund
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
npx redocly lint openapi.json > redocly.log 2>&1 || { cat redocly.log; exit 1; }
if grep -q 'Warning was generated' redocly.log; then
    cat redocly.log
    exit 1
fi
npx spectral lint --fail-severity hint openapi.json
