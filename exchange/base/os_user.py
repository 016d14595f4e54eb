"""In whose name a command acts: the account of the process, as the system knows it; no variable can say otherwise."""

from __future__ import annotations

import os
import pwd


def os_user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
