"""Sends one message by each of several connections, as a task would, in a process of its own: ``sent.py CONNECTIONS``,
a JSON list; prints what came of each, a line each.
"""

from __future__ import annotations

import json
import os
import sys

from exchange.base.paths import DAGS
from exchange.watch.message import Message

sys.path.insert(0, str(DAGS))

from airflow.sdk.exceptions import AirflowException
from household.notifier import send

NAME = "AIRFLOW_CONN_EXCHANGE_ALERTS"


def outcome(connection: dict[str, object] | None) -> str:
    os.environ.pop(NAME, None)
    if connection is not None:
        os.environ[NAME] = json.dumps(connection)
    try:
        return f"sent: {send(Message('时限提醒', 'bank.b1  已超过办结时限', (3, 7)), {})}"
    except AirflowException as error:
        return f"failed: {error}"


if __name__ == "__main__":
    for each in json.loads(sys.argv[1]):
        sys.stdout.write(f"\n>>> {outcome(each)}\n")
