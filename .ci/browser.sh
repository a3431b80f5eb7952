#!/usr/bin/env bash
# Uses Swagger UI in Debian's Chromium as a person does, against the built service.
#
#     .ci/browser.sh [FOLDER]        screenshots stay in FOLDER; CHROMIUM= where the browser is
set -euo pipefail
cd "$(dirname "$0")/.."
SHOTS=${1:-}
. .ci/service.sh
cp -r .ci/browser "$FOLDER/browser"
mkdir "$FOLDER/shots"
(
    cd "$FOLDER/browser"
    npm ci --silent --no-audit --no-fund
    DOSSIER_URL=$URL DOSSIER_TOKEN=$ADMIN_TOKEN DOSSIER_EMAIL=$DOSSIER_EMAIL DOSSIER_PASSWORD=$DOSSIER_PASSWORD \
        node docs.mjs "$FOLDER/shots"
) && failed= || failed=yes
[ -z "$SHOTS" ] || { mkdir -p "$SHOTS" && cp "$FOLDER/shots"/*.png "$SHOTS"; }
[ -z "$failed" ] || { cat "$FOLDER/service.log"; exit 1; }
