#!/bin/sh
# Installs from a bundle in a network namespace without a way out, and starts what was installed. Usage: try.sh BUNDLE.tar; root.
set -eu
bundle=$(realpath "${1:?usage: try.sh BUNDLE.tar}")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
tar -xf "$bundle" -C "$place"
# shellcheck disable=SC2016  # for the inner shell
unshare --net sh -eu -c '
    cd "$1"/household-exchange-*
    if python3 -c "import socket; socket.create_connection((\"192.0.2.1\", 443), 3)" 2>/dev/null; then echo "there is a way out"; exit 1; fi
    export PIP_CONFIG_FILE=/dev/null; unset PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PYTHONPATH || true
    ./install.sh "$1/户政 安装"
    before=$(find "$1/户政 安装" -type f -newer SHA256SUMS | wc -l)
    ./install.sh "$1/户政 安装"
    cd /
    "$1/户政 安装/.venv/bin/exchange" due monthly 2026-09-28
    "$1/户政 安装/.venv/bin/exchange" --help >/dev/null
    AIRFLOW_HOME="$1/airflow" "$1/户政 安装/.venv/bin/airflow" version
    "$1/户政 安装/.venv/bin/python" -c "import airflow.providers.fab.auth_manager.fab_auth_manager, airflow.providers.celery"
    test -f "$1/户政 安装/docker/grants.sql" -a -f "$1/户政 安装/dags/batch.py" -a "$before" -gt 1000
' sh "$place"
echo "installed and started without a network"
