"""Commands that are imported when they are run: ``--help`` reads their names and sentences from a table.

Rules
- A command stands in the module of its name in this package, which holds it as ``commands``.
- The sentence that the map shows stands in the table: asking the module for it would import what the command needs
  (0.1 s beside 2.4 s).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from exchange.cli.outcome import outcome
from exchange.cli.terminal import watch_interruptions, write_every_character
from exchange.cli.two_languages import apart, marks_in_both, options_apart

COMMANDS: Final[Mapping[str, str]] = {
    "request": "检查请求文件，不收取。 Check a request file; nothing is taken.",
    "batch": "收件、办理批次，不经 Airflow。 Collect, run without Airflow.",
    "register": "登记簿：查询、核对。 The register: list, show, verify.",
    "witness": "见证机关用：联署检查点。 For a witness: cosign checkpoints.",
    "review": "人工核实：待核行、清单。 Rows that need an officer, work lists.",
    "objection": "替被查询人复核一行。 A second look, for the person asked about.",
    "guard": "防探测扣留的结果。 Results held against fishing.",
    "told": "告知查询：何人的信息告知过谁。 Who was told about a person.",
    "clock": "停止、恢复批次计时。 Pause and resume a batch's clock.",
    "deadline": "时限：巡查、重算、提醒。 Due days: watch, count again, alerts.",
    "release": "补充答复：放行、审批、发出。 Supplementary results.",
    "report": "月度报告，内部和对外。 The monthly report.",
    "office": "建立新的一套：密钥、设置、库。 Set up a new office.",
    "backup": "加密备份：制作、列出、核验。 Encrypted backups.",
    "restore": "从备份恢复。 Bring an office back from a backup.",
    "health": "本机运行状况：有何异常。 What is wrong with this installation.",
    "metrics": "运行指标，Prometheus 格式。 Measurements, for Prometheus.",
    "retention": "到期销毁；保全批次。 Destroy what is past its time; holds.",
    "province": "测试通道的虚构省份。 The invented province of the test lane.",
    "snapshot": "数据源快照：制作、列出、清理。 Snapshots of the sources.",
    "partner": "协作部门：协议、连接、模板。 Partners: agreements, servers.",
    "notice": "维护通告。 Tell all partners of maintenance.",
    "keys": "本机关的密钥和证书。 The office's keys and certificates.",
    "schemas": "生成或核对契约文件。 Write or check generated files.",
    "demo": "本机上的演示环境。 A whole world on this machine.",
    "expected": "应报、未报的请求。 Sets that are expected, and missing ones.",
    "supervise": "监督检查：逾期、在等谁。 What is late, and whom it waits for.",
    "due": "计算办结时限。 When a request is due, and how it is counted.",
}


class LazyCommand(TyperCommand):
    """Stands for a command until it is run: then its module is imported and the command itself takes the arguments."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command itself, which is what typer invokes and completes."""
        with outcome():  # an import reads the tables of schemas/, where one may have been changed wrongly
            group: typer.Typer = import_module(f"exchange.cli.{self.name}").commands
        command = get_command(group)
        command.name = self.name
        if isinstance(command, TyperGroup):
            command.help = self.help
        if not extra.get("resilient_parsing"):  # a shell that completes shows a sentence as one line
            apart(command)
        if _asks_for_help(args):
            marks_in_both()
        return command.make_context(info_name, args, parent=parent, **extra)


class LazyGroup(TyperGroup):
    """The commands of :data:`COMMANDS`, in the table's order."""

    def __init__(self, **settings: Any) -> None:
        commands = {name: LazyCommand(name, help=sentence) for name, sentence in COMMANDS.items()}
        super().__init__(**settings | {"commands": commands})

    def main(self, *args: Any, **given: Any) -> Any:
        """The command that was typed, from its first word to the exit code."""
        watch_interruptions()
        write_every_character()
        return super().main(*args, **given)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context, with the options' help in two lines: typer adds options of its own once the group is made."""
        if not extra.get("resilient_parsing"):
            options_apart(self)
        if _asks_for_help(args):
            marks_in_both()
        return super().make_context(info_name, args, parent=parent, **extra)


def _asks_for_help(args: list[str]) -> bool:
    """Whether help is shown: it is asked for, or nothing is."""
    return not args or "--help" in args
