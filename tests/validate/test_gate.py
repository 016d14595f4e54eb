"""The gates' own rules: what is judged, and what of their library is not needed for it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from exchange.base.paths import EXPECTATIONS, ROOT
from exchange.validate.gate import HELD_BACK

SUITES = sorted(path.stem for path in EXPECTATIONS.glob("*.json"))
JUDGED = """\
import sys

class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"scipy", "altair", "narwhals"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuses())
from exchange.validate.gate import failures
for suite in sys.argv[1:]:
    print(len(failures(suite, {})) > 0)
print(sorted({"scipy", "altair"} & set(sys.modules)))
"""


def test_every_suite_is_judged_where_scipy_and_altair_are_not_installed() -> None:
    """As in the office's image; and who imports them later gets the real ones, or an error."""
    command = [sys.executable, "-W", "ignore", "-c", JUDGED, *SUITES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-len(SUITES) - 1 :] == [*["True"] * len(SUITES), "[]"]


def test_nothing_imports_the_library_past_what_is_held_back() -> None:
    """Airflow's start-up file neither: it would bring them into each task, or stop where they are not installed."""
    past = re.compile(
        r"^(?!    from great_expectations import ExpectationSuite).*import great_expectations", re.MULTILINE
    )
    places = [path for folder in ("exchange", "dags", "docker") for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in places if past.search(path.read_text("utf-8"))] == ["gate.py"]


def test_no_suite_asks_for_what_is_held_back() -> None:
    assert HELD_BACK
    for suite in SUITES:
        expectations = json.loads((EXPECTATIONS / f"{suite}.json").read_text("utf-8"))["expectations"]
        assert not [each["type"] for each in expectations if "divergence" in each["type"] or "ks_test" in each["type"]]


KILLED_AT_IT = """
import os, signal
from tqdm import tqdm
from exchange.validate.gate import failures, library

def forked(work):
    pid = os.fork()
    if pid == 0:
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def judged(rows):
    return len(failures("request", {"rows": rows, "rows_in_manifest": rows, "unreadable_share": 0.0}))

def killed():
    tqdm.get_lock().acquire()
    os.kill(os.getpid(), signal.SIGKILL)

library()
assert judged(3) == 0
assert forked(killed) == -signal.SIGKILL
assert forked(lambda: judged(4)) == 0
"""


def test_who_is_killed_while_it_judges_stops_none_that_was_forked_beside_it() -> None:
    """A lock among processes would stay held, and each of the others would wait for ever."""
    command = [sys.executable, "-W", "ignore", "-c", KILLED_AT_IT]
    assert subprocess.run(command, check=False, timeout=600, cwd=ROOT).returncode == 0
