#!/bin/sh
# What Airflow keeps of its runs goes after 210 days: its records, and with a folder as argument the files there, the tasks' logs (without
# containers systemd-tmpfiles takes those: docker/systemd/tmpfiles.conf). Cybersecurity Law, art. 21 (3): six months at least.
# The register keeps what a batch was; a run that is gone takes nothing of it away.
# Not `dag` and `dag_version`, of which there is a row for each change of a DAG: cleaning them fails in Airflow 3.3 (apache/airflow#71864).
set -eu
days=210
tables=callback,celery_taskmeta,celery_tasksetmeta,dag_run,deadline,import_error,job,log,revoked_token,session
tables=$tables,task_instance,task_instance_history,task_reschedule,trigger,xcom
before=$(date --utc --date "$days days ago" +%Y-%m-%dT%H:%M:%S+00:00)
airflow db clean --tables "$tables" --clean-before-timestamp "$before" --batch-size 10000 --skip-archive --error-on-cleanup-failure --yes
if [ $# -gt 0 ]; then
    find "$1" -xdev -type f -mtime "+$days" -delete
    find "$1" -xdev -mindepth 1 -depth -type d -empty -mtime +1 -delete # what a task made just now is empty, too
fi
