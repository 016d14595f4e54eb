"""What runs on the forge is what runs here: its steps are make targets that exist."""

from __future__ import annotations

import re

from exchange.base.paths import ROOT


def test_the_workflow_runs_make_targets_that_exist() -> None:
    text = (ROOT / ".github" / "workflows" / "checks.yaml").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    listed = re.search(r"target: \[(.*)\]", text)
    assert listed is not None
    assert set(listed[1].split(", ")) <= targets
    assert {"check", "test"} <= set(listed[1].split(", "))
    steps = re.findall(r"run: (.*)", text)
    assert [step for step in steps if not step.startswith(("make ", "sudo apt-get "))] == []
