# To be sourced: starts the built service on a private PostgreSQL in a temporary folder with the Demo sample, and stops
# it when the script ends. Sets URL, ADMIN_TOKEN, AGENT_TOKEN, DOSSIER_EMAIL and DOSSIER_PASSWORD.

FOLDER=$(mktemp -d)
chmod 755 "$FOLDER" # PostgreSQL doesn't run as root, and must find its way
BINARY=${BINARY:-target/debug/dossier}
export DOSSIER_DATA_DIR=$FOLDER/data DOSSIER_LOG=${DOSSIER_LOG:-warn}
unset DATABASE_URL DOSSIER_STORAGE_URL
DOSSIER_BIND=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export DOSSIER_BIND
URL=http://$DOSSIER_BIND

: > "$FOLDER/service.log"
"$BINARY" serve >> "$FOLDER/service.log" 2>&1 &
SERVICE=$!

stop_service() {
    kill "$SERVICE" 2> /dev/null && wait "$SERVICE" || true
    rm -rf "$FOLDER"
}
trap stop_service EXIT

for _ in $(seq 120); do
    grep -q '^token' "$FOLDER/service.log" && break
    kill -0 "$SERVICE" 2> /dev/null || { cat "$FOLDER/service.log"; exit 1; }
    sleep 0.5
done
said() { awk -v name="$1" '$1 == name { print $2 }' "$FOLDER/service.log"; }
DOSSIER_EMAIL=$(said e-mail) DOSSIER_PASSWORD=$(said password) ADMIN_TOKEN=$(said token)
AGENT_TOKEN=$("$BINARY" token --email noor@demo.example 2> /dev/null)
export DOSSIER_EMAIL DOSSIER_PASSWORD
