"""Where the project's own data stands: the tables in ``schemas/``, the suites in ``expectations/``, the ``dags/``.

Rule: they lie beside the package, because partners and operators read them too. A wheel carries them inside, in
``exchange/project/`` (``setup.py``); where that folder is, the package is installed and they are read there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_INSTALLED: Final = Path(__file__).resolve().parents[1] / "project"
ROOT: Final = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).resolve().parents[2]
SCHEMAS: Final = ROOT / "schemas"
EXPECTATIONS: Final = ROOT / "expectations"
DAGS: Final = ROOT / "dags"
POOLS: Final = ROOT / "docker" / "pools.json"
