"""Checks of the machine: its clock, its disks.

Rules
- The clock: who keeps it says so (chrony, systemd); the machine is also held against the database's server, since due
  days and signatures of all machines must agree.
- That a disk is plain is a hint, not a fault: encryption may lie beneath what this machine sees.
- Encryption is seen where it is: of the block device (dm-crypt), of the folder (fscrypt: ext4's own flag), or of a file
  system that is mounted over it (gocryptfs, CryFS, EncFS, eCryptfs).
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import subprocess
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from exchange.operation.finding import HealthFinding, failing, ok, warning

_ASK_SECONDS: Final = 3.0
_BLOCK: Final = Path("/sys/dev/block")
_SWAPS: Final = Path("/proc/swaps")
_MOUNTS: Final = Path("/proc/self/mountinfo")
_ENCRYPTING: Final = frozenset({"fuse.gocryptfs", "fuse.cryfs", "fuse.encfs", "ecryptfs"})
_GET_FLAGS: Final = 0x80086601
"""FS_IOC_GETFLAGS of linux/fs.h, where a long has 8 bytes."""
_ENCRYPTED: Final = 0x800
"""FS_ENCRYPT_FL of linux/fs.h."""


def kept_clock() -> HealthFinding:
    """Whether somebody keeps this machine's clock, and how far off it is believed to be."""
    if (offset := _chrony_offset()) is not None:
        words = f"chrony：偏差 {offset:+.3f} 秒", f"chrony: off by {offset:+.3f} s"
        return ok(*words) if abs(offset) < 1 else warning(*words)
    match _output_of("timedatectl", "show", "--property", "NTPSynchronized", "--value"):
        case "yes":
            return ok("systemd：时钟已同步", "systemd: the clock is kept")
        case "no":
            return warning("时钟未与时间源同步", "nobody keeps this machine's clock")
    return ok("本机（或容器）无从得知由谁校时", "whether the clock is kept right cannot be seen from here")


def against(server: datetime, before: datetime, after: datetime) -> HealthFinding:
    """This machine's clock against another's, read between two readings of our own; what lies between is no drift."""
    drift = max((before - server).total_seconds(), (server - after).total_seconds(), 0.0)
    words = f"与数据库服务器相差 {drift:.1f} 秒", f"{drift:.1f} s apart from the database's server"
    if drift >= 60:
        return failing(*words)
    return ok(*words) if drift < 2 else warning(*words)


def encryption(folder: Path, *, beneath: bool) -> HealthFinding:
    """Whether the disk of this folder is encrypted, as far as this machine sees; ``beneath``: the settings say so."""
    if beneath:
        return ok("加密在下层（设置所载）", "encrypted beneath, as the settings say")
    number = folder.stat().st_dev
    device = f"{os.major(number)}:{os.minor(number)}"
    if _is_encrypted_folder(folder) or _file_system(device) in _ENCRYPTING:
        return ok("目录已加密", "the folder is encrypted")
    block = _BLOCK / device
    if not block.exists():
        return ok("看不出磁盘是否加密", "whether this disk is encrypted cannot be seen from here")
    if _is_encrypted(block.resolve()):
        return ok("磁盘已加密", "the disk is encrypted")
    return warning("磁盘看来未加密", "the disk seems not to be encrypted (docs/operations.md: Disk)")


def swap(*, beneath: bool) -> HealthFinding:
    """Whether what a process holds of people may be written to a disk as it is. Compressed memory is none."""
    if beneath:
        return ok("加密在下层（设置所载）", "encrypted beneath, as the settings say")
    try:
        lines = _SWAPS.read_text("utf-8", "replace").splitlines()[1:]
    except OSError:
        return ok("看不出有无交换区", "whether there is swap cannot be seen from here")
    plain = [name for name in (line.split()[0] for line in lines) if not _is_private(Path(name))]
    if plain:
        named = "、".join(plain), ", ".join(plain)
        return warning(f"交换区看来未加密：{named[0]}", f"swap seems not to be encrypted: {named[1]}")
    return ok("没有未加密的交换区", "no swap that is not encrypted")


def _is_private(area: Path) -> bool:
    try:
        state = area.stat()
    except OSError:
        return False
    number = state.st_rdev if stat.S_ISBLK(state.st_mode) else state.st_dev
    device = f"{os.major(number)}:{os.minor(number)}"
    block = _BLOCK / device
    return area.name.startswith("zram") or (block.exists() and _is_encrypted(block.resolve()))


def room(*folders: Path) -> tuple[int, float]:
    """(bytes that are free for us, share of inodes that are free) on these folders' disks: the least of each."""
    volumes = [os.statvfs(folder) for folder in folders]
    free = min(volume.f_bavail * volume.f_frsize for volume in volumes)
    return free, min(volume.f_favail / volume.f_files if volume.f_files else 1.0 for volume in volumes)


def _file_system(device: str) -> str | None:
    """The kind of the file system with this device number; None where the kernel does not tell."""
    with suppress(OSError):
        for line in _MOUNTS.read_text("utf-8", "replace").splitlines():
            before, _, behind = line.partition(" - ")
            if before.split()[2:3] == [device]:
                return behind.split()[0]
    return None


def _is_encrypted_folder(folder: Path) -> bool:
    """Whether the file system says so of the folder itself (fscrypt)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flags = fcntl.ioctl(descriptor, _GET_FLAGS, bytes(struct.calcsize("l")))
    except OSError:
        return False  # a file system without such flags
    finally:
        os.close(descriptor)
    return bool(struct.unpack("l", flags)[0] & _ENCRYPTED)


def _is_encrypted(block: Path) -> bool:
    """Whether this device, or all that lie beneath it, is one of dm-crypt's."""
    uuid = block / "dm" / "uuid"
    if uuid.is_file() and uuid.read_text("ascii").startswith("CRYPT-"):
        return True
    whole = block.parent if (block / "partition").exists() else block
    beneath = [path.resolve() for path in (whole / "slaves").glob("*")]
    return bool(beneath) and all(map(_is_encrypted, beneath))


def _chrony_offset() -> float | None:
    """Seconds, as chrony's fifth field says; None where there is no chrony, or it has no source."""
    fields = (_output_of("chronyc", "-c", "tracking") or "").split(",")
    try:
        return float(fields[4]) if fields[2] != "0" else None
    except (IndexError, ValueError):
        return None


def _output_of(*command: str) -> str | None:
    """What a program says; None where there is none, or it says nothing in time."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
