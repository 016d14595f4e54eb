"""Takes out of the office's image what an installation never opens; ``docker/Dockerfile`` runs it once, at the end.

Rules
- What goes is named here, with why; docs/operations.md says how large the rest is. Licences stay.
- Libraries lose their symbols alone (``strip --strip-unneeded``); those under ``*.libs`` nothing: they were patched
  after they were linked, and would not load any more.
- Of compiled modules those stay that the programs import, and all of the exchange's and Airflow's. The image is
  read-only, so that any other is compiled each time, which is meant for what no start needs.
- What is left must load: every library is opened, every program imported.
"""

from __future__ import annotations

import compileall
import ctypes
import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from sysconfig import get_path

SITE = Path(get_path("purelib"))
UNUSED = {
    "pyarrow/include": "to compile against it",
    "pyarrow/includes": "to compile against it",
    "pyarrow/src": "its sources",
    "pyarrow/*flight*": "a network protocol; nothing here serves or calls it",
    "pyarrow/libarrow_s3*": "storage of others' clouds",
    "pyarrow/_s3fs*": "likewise",
    "pyarrow/_gcsfs*": "likewise",
    "pyarrow/_azurefs*": "likewise",
    "pyarrow/_hdfs*": "likewise",
    "pyarrow/_pyarrow_cpp_tests*": "its tests",
    "pyarrow/libarrow_python*.so": "a copy of the library, under the name to link with",
    "pyarrow/libarrow_python*.so.*.*.*": "another copy",
    "great_expectations/render/view/static/fonts": "of pages that it writes when asked to",
    "great_expectations/render/view/static/images": "likewise",
    "numpy/distutils": "to compile with it",
    "numpy/f2py": "to compile Fortran",
    "**/tests": "tests of libraries",
    "sqlalchemy/testing": "tests of whoever writes a dialect",
    "tornado/test": "tests",
    **{
        f"**/*.{kind}": "to compile or debug it"
        for kind in ("a", "c", "cpp", "h", "hpp", "map", "pxd", "pxi", "pyi", "pyx")
    },
}
LANGUAGES = ("root", "en", "zh")
"""Of Babel's, which knows a thousand; Airflow's log-in pages speak English."""
PROGRAMS = (
    "airflow.api_fastapi.main",
    "airflow.cli.cli_parser",
    "airflow.cli.commands.api_server_command",
    "airflow.cli.commands.dag_processor_command",
    "airflow.cli.commands.db_command",
    "airflow.cli.commands.pool_command",
    "airflow.cli.commands.scheduler_command",
    "airflow.executors.local_executor",
    "airflow.jobs.dag_processor_job_runner",
    "airflow.jobs.scheduler_job_runner",
    "airflow.providers.celery.cli.celery_command",
    "airflow.providers.celery.executors.celery_executor",
    "airflow.providers.fab.auth_manager.fab_auth_manager",
    "airflow.providers.fab.www.app",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "alembic.command",
    "pyarrow.compute",
    "pyarrow.csv",
    "sqlalchemy.dialects.postgresql.psycopg",
    "uvicorn.main",
    "uvicorn.protocols.http.httptools_impl",
)


def take_out() -> None:
    for pattern in UNUSED:
        for path in list(SITE.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in (SITE / "babel" / "locale-data").glob("*.dat"):
        if path.stem.partition("_")[0] not in LANGUAGES:
            path.unlink()


def libraries() -> list[Path]:
    return sorted(path for path in SITE.rglob("*.so*") if path.is_file() and not path.is_symlink())


def strip() -> None:
    plain = [str(path) for path in libraries() if not path.relative_to(SITE).parts[0].endswith(".libs")]
    subprocess.run(["strip", "--strip-unneeded", *plain], check=True)


def compile_what_is_imported() -> None:
    """Importing writes the compiled modules anew."""
    for folder in list(SITE.rglob("__pycache__")):
        shutil.rmtree(folder)
    for name in ("exchange", "airflow", "polars"):
        compileall.compile_dir(SITE / name, quiet=2)
    for name in PROGRAMS:
        importlib.import_module(name)
    gate = importlib.import_module("exchange.validate.gate")
    gate.failures("request", {})  # all of Great Expectations that judging needs
    for path in sorted((SITE / "exchange").rglob("*.py")):
        parts = path.relative_to(SITE).with_suffix("").parts
        if not {"demo", "migrations", "project", "__main__"} & set(parts):
            importlib.import_module(".".join(parts).removesuffix(".__init__"))


def open_every_library() -> None:
    """What one lacks is a library that was taken out or broken; a symbol that only its importer has is none."""
    for path in libraries():
        try:
            ctypes.CDLL(str(path))
        except OSError as error:
            if "undefined symbol" not in str(error):
                sys.exit(f"{path.relative_to(SITE)}: {error}")


if __name__ == "__main__":
    take_out()
    strip()
    open_every_library()
    compile_what_is_imported()
