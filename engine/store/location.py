"""Location of the store, and the type of the file system that holds it."""

import os
import re
from pathlib import Path, PurePosixPath

import platformdirs

from engine.files import expanded

HOME_VARIABLE = "DLEC_HOME"
STORE_FILE = "dlec.sqlite"


def store_path(home: Path | None = None) -> Path:
    """Return the path of the store in `home`, $DLEC_HOME or the user's data directory. It need not exist.

    Raises UsageError for the home directory of a user who does not exist.
    """
    return (expanded(home) if home else _usual_home()) / STORE_FILE


def _usual_home() -> Path:
    if home := os.environ.get(HOME_VARIABLE):
        return expanded(home)
    return platformdirs.user_data_path("dlec", appauthor=False)


MOUNTS = Path("/proc/self/mountinfo")
LOCAL_TYPES = frozenset(
    {"apfs", "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "ramfs", "reiserfs", "tmpfs"}
    | {"xfs", "zfs"}
)
"""File systems of one host, unlike networked and unknown ones (nfs, cifs, lustre, fuse.*, 9p, ...)."""


def is_local(path: Path) -> bool:
    """Return True if `path` is certainly on a disk of this host alone; False if that is unknown."""
    return file_system_type(path) in LOCAL_TYPES


def file_system_type(path: Path) -> str:
    """Type of the file system, as in mount(8): "ext4", "nfs4", "fuse.sshfs"; "" if the system does not report it."""
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    return type_among(mounts, path.resolve())


def type_among(mounts: str, path: Path) -> str:
    """The type of the mount that holds the absolute `path`, in the format of proc(5) mountinfo.

    The deepest mount point holds it; of several at the same place, the last one mounted.
    """
    type_, deepest = "", -1
    for line in mounts.splitlines():
        mount_point, kind = _parsed(line)
        depth = len(mount_point.parts)
        if depth >= deepest and path.is_relative_to(mount_point):
            type_, deepest = kind, depth
    return type_


def _parsed(line: str) -> tuple[PurePosixPath, str]:
    """Mount point and type: `36 35 98:0 /root /mount/point options [optional ...] - type source options`."""
    before, _, after = line.partition(" - ")
    return PurePosixPath(_unescaped(before.split(" ")[4])), after.split(" ")[0]


def _unescaped(text: str) -> str:
    """Decode spaces, tabs, newlines and backslashes, which are written as three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
