"""In whose name a command acts: the account of the process, as the system knows it; no variable can say otherwise."""

from __future__ import annotations

import os
import pwd


def os_user() -> str:
    """The name of the account that runs this process; KeyError where the system knows none."""
    return pwd.getpwuid(os.geteuid()).pw_name
