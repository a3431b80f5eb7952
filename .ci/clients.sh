#!/usr/bin/env bash
# Generates the clients of tests/clients from the checked-in document, compiles them, and does an agent's job with each.
#
#     .ci/clients.sh                                                            against the built service, started here
#     DOSSIER_URL=… DOSSIER_EMAIL=… DOSSIER_PASSWORD=… .ci/clients.sh           against one that runs
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${DOSSIER_URL:-}" ]; then
    . .ci/service.sh
    export DOSSIER_URL=$URL
else
    FOLDER=$(mktemp -d)
    trap 'rm -rf "$FOLDER"' EXIT
fi

# Where they are, the paths to the document hold; what is installed and generated stays out of the checkout.
mkdir -p "$FOLDER/tests" "$FOLDER/openapi"
cp -r tests/clients "$FOLDER/tests"
cp openapi/openapi.json "$FOLDER/openapi"

cd "$FOLDER/tests/clients/typescript"
npm ci --silent --no-audit --no-fund
npm run --silent generate
npm run --silent build
npm run --silent start

cd ../python
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
venv/bin/openapi-python-client generate --path ../../../openapi/openapi.json --config generator.yaml \
    --output-path api --meta none --overwrite > generated.log 2>&1 || { cat generated.log; exit 1; }
if grep -q WARNING generated.log; then
    cat generated.log
    exit 1
fi
venv/bin/mypy --strict job.py
venv/bin/python job.py
