"""Where the project's own data stands: the tables in ``schemas/``, the suites in ``expectations/``, the ``dags/``.

They lie beside the package, not in it, because partners and operators read them too; the software is
therefore run from a checkout (or an image that holds one), installed in editable mode.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SCHEMAS: Final = ROOT / "schemas"
EXPECTATIONS: Final = ROOT / "expectations"
DAGS: Final = ROOT / "dags"
POOLS: Final = ROOT / "docker" / "pools.json"
