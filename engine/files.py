"""Atomic and durable file operations.

Only this module uses calls that are specific to Linux; other systems get a weaker but correct fallback.
"""

import errno
import os
import stat
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from engine.errors import UsageError, shown

AT_FDCWD = -100
RENAME_EXCHANGE = 2
CANNOT = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
"""Error numbers of a call that the kernel or the file system does not support."""


def is_text(name: str) -> bool:
    """Return False for a name with a lone surrogate, which JSON can spell and no file can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_inside(name: str) -> bool:
    """Return True if a relative file name stays in its directory.

    Lexical on purpose: the shards of a hub cache are symlinks out of the snapshot, and that is fine.
    """
    path = PurePosixPath(name)
    is_relative = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    return is_relative and "\0" not in name


def expanded(path: str | Path) -> Path:
    """Return `path` with ~ and ~user expanded. Raises UsageError if there is no such user."""
    if not str(path).startswith("~"):  # pathlib would take ./~name for ~name
        return Path(path)
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user, fix = Path(path).parts[0].removeprefix("~"), "Write out the home directory, as in /home/NAME."
        raise UsageError(f"{shown(path)} cannot be found", why=f"there is no user {shown(user)}", fix=fix) from error


def open_regular(path: Path) -> BinaryIO:
    """Open `path` for reading. Raises OSError also if it is not a regular file, since reading a FIFO would block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `path` atomically and durably: a reader sees the old content or the new one, also after a power cut.

    Concurrent writers (threads, processes, hosts) use separate temporary files; the last one to finish wins.
    """
    sibling = path.with_name(f".dlec-{os.urandom(8).hex()}.tmp")
    try:
        write_synced(sibling, content)
        sibling.replace(path)
    except BaseException:
        sibling.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_new(path: Path, content: str | bytes) -> None:
    """Create `path` durably; a failure leaves no file. Raises FileExistsError if `path` exists."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    try:
        write_synced(path, content)
    except BaseException:
        path.unlink()
        raise
    sync_directory(path.parent)


def write_synced(path: Path, content: str | bytes) -> None:
    """Write `path` and sync its content to disk. The caller syncs the directory entry."""
    with path.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())


def sync_file(path: Path) -> None:
    """Sync the content of `path` to disk, whichever process wrote it."""
    _sync(path, os.O_RDONLY)


def sync_directory(directory: Path) -> None:
    """Sync the entries of `directory` to disk: files created, renamed or removed in it."""
    _sync(directory, os.O_RDONLY | os.O_DIRECTORY)


def sync_tree(root: Path) -> None:
    """Sync the entries of `root` and of every directory below it to disk; the content of files is not synced."""
    for directory, _, _ in os.walk(root):
        sync_directory(Path(directory))


def exchange(one: Path, other: Path) -> bool:
    """Swap two names atomically by renameat2(2). Return False if kernel or file system do not support it."""
    import ctypes  # late: few processes exchange names

    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(other))


def allocate(descriptor: int, size: int) -> None:
    """Extend the file to `size` bytes and reserve the disk space. Raises OSError (ENOSPC) if the disk is full."""
    if not hasattr(os, "posix_fallocate"):
        os.ftruncate(descriptor, size)
        return
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in CANNOT:
            raise
        os.ftruncate(descriptor, size)


def read_ahead(descriptor: int, offset: int, length: int) -> None:
    """Have the kernel read a range of bytes into its cache in the background."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, offset, length, os.POSIX_FADV_WILLNEED)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
