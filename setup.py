"""What pyproject.toml cannot say: the folders that lie beside the package go into the wheel, as ``exchange/project/``.

Rule: ``exchange/base/paths.py`` reads them there when that folder exists, else in the checkout, where partners and
operators read them.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BESIDE = [
    "schemas/*",
    "desk/built/desk.html",
    "desk/exchange-partner*",
    "expectations/*.json",
    "dags/*.py",
    "dags/household/*.py",
    "dags/plugins/*.py",
    "docker/*",
    "docker/kubernetes/*",
    "docker/monitoring/*",
    "docker/systemd/*",
    "docker/systemd/exchange-.service.d/*",
    "docs/*.md",
    "docs/*.html",
    "docs/pictures/*.png",
    "tests/spec/*.toml",
    "pyproject.toml",  # docs/rooms.md is checked against its import contract
]


class WithProject(build_py):
    """Copies what lies beside the package; an editable installation reads it where it lies."""

    def run(self) -> None:
        """Builds as setuptools does, then copies."""
        super().run()
        if self.editable_mode:
            return
        root = Path(__file__).resolve().parent
        for path in sorted(path for pattern in BESIDE for path in root.glob(pattern) if path.is_file()):
            place = Path(self.build_lib, "exchange", "project", path.relative_to(root))
            place.parent.mkdir(parents=True, exist_ok=True)
            self.copy_file(str(path), str(place))


setup(cmdclass={"build_py": WithProject})
