#!/bin/sh
# Runs a command with the lines of airflow.env in its environment: sh with-secrets.sh airflow scheduler. A container's own settings, which
# `docker inspect` and Kubernetes' API show to whoever may ask them, so hold no secret. AIRFLOW_ENV: another place of the file.
# A line is taken as it stands, nothing in it is expanded; quotes around a whole value, which a shell wants around an &, go.
set -eu
while IFS= read -r line || [ -n "$line" ]; do
    case $line in '#'*) continue ;; *=*) ;; *) continue ;; esac
    name=${line%%=*} value=${line#*=}
    case $value in
        \'*\') value=${value#\'} value=${value%\'} ;;
        \"*\") value=${value#\"} value=${value%\"} ;;
    esac
    export "$name=$value"
done <"${AIRFLOW_ENV:-/secrets/airflow.env}"
exec "$@"
