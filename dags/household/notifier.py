"""Messages to the office, by the one Airflow connection ``exchange_alerts``: a webhook or e-mail, as its type says.

Rules
- Type ``http``: a JSON with ``subject``, ``text``, and both in the form that WeCom's and DingTalk's group robots take, is
  posted to host, port and extra ``endpoint``; ``alerts`` are the numbers of those that it is about. Type ``smtp``: a mail to extra ``to`` (from extra ``from_email``).
- What is said are counts, batch ids, partners, periods and days. An address may hold a robot's key: it is never logged.
- Without the connection nothing is sent; the register holds every alert whether or not a message went out.
"""

from __future__ import annotations

import html
import logging
from typing import TYPE_CHECKING, Any, Final

import httpx
from airflow.sdk import Connection, Context
from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

if TYPE_CHECKING:
    from exchange.watch.message import Message

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses

CONNECTION: Final = "exchange_alerts"
_SECONDS: Final = 20


class OfficeNotifier(BaseNotifier):
    """Sends one message; without one, that the task of the context has failed. Raises where it could not be sent."""

    def __init__(self, message: Message | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.message = message

    def notify(self, context: Context) -> None:
        if not send(self.message or _failure(context), context):
            self.log.warning("no connection %s: no message went out", CONNECTION)


def send(message: Message, context: Context) -> bool:
    """Sends a message; False where there is no connection to send it by."""
    try:
        connection = Connection.get(CONNECTION)
    except AirflowNotFoundException:
        return False
    if connection.conn_type == "smtp":
        _mail(message, connection, context)
    elif connection.conn_type in ("http", "https"):
        _post(message, connection)
    else:
        msg = f"connection {CONNECTION}: its type should be http or smtp"
        raise AirflowException(msg)
    return True


def _post(message: Message, connection: Connection) -> None:
    text = f"{message.subject}\n{message.text}"
    body: dict[str, Any] = {"subject": message.subject, "text": {"content": text}, "msgtype": "text"}
    body |= {"alerts": message.alerts} if message.alerts else {}
    login = (connection.login, connection.password or "") if connection.login else None
    try:
        answer = httpx.post(_address(connection), json=body, auth=login, timeout=_SECONDS)
    except httpx.HTTPError as error:
        msg = f"connection {CONNECTION}: the webhook cannot be reached ({type(error).__name__})"
        raise AirflowException(msg) from None
    if not answer.is_success:
        msg = f"connection {CONNECTION}: the webhook answered {answer.status_code}"
        raise AirflowException(msg)


def _address(connection: Connection) -> str:
    host = connection.host or ""
    address = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    port = f":{connection.port}" if connection.port else ""
    return f"{address.rstrip('/')}{port}/{str(connection.extra_dejson.get('endpoint', '')).lstrip('/')}"


def _mail(message: Message, connection: Connection, context: Context) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    to = connection.extra_dejson.get("to")
    if not to:
        msg = f"connection {CONNECTION}: its extra names nobody under 'to'"
        raise AirflowException(msg)
    body = f"<pre>{html.escape(message.text)}</pre>"
    SmtpNotifier(to=to, subject=message.subject, html_content=body, smtp_conn_id=CONNECTION).notify(context)


def _failure(context: Context) -> Message:
    from exchange.watch.message import Message

    task = context["ti"]
    name = f"{task.dag_id}.{task.task_id}"
    return Message(
        f"户籍核查任务失败 task failed: {name}",
        f"{name}\n{context['run_id']}\n看任务日志中“须人工处理”两行。 Read the two lines *a person must look* of its log.\n",
    )
