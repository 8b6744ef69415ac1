"""Where a write-ahead log may be kept: on a disk of this host alone, as /proc/self/mountinfo tells it."""

from pathlib import Path

import pytest

from engine.store import database, location
from engine.store.database import open_for_writing

MOUNTS = r"""
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 0:30 / /home rw,relatime shared:1 - nfs4 server:/home rw,vers=4.2
31 30 0:31 / /home/ada/scratch rw - xfs /dev/nvme0n1 rw
32 27 0:32 / /mnt/with\040blank rw shared:2 master:1 - fuse.sshfs ada@host: rw
33 27 0:33 / /data rw - ext4 /dev/sdb rw
34 27 0:34 / /data rw - lustre 10.0.0.1@tcp:/fs rw
35 27 0:35 / /windows rw - 9p C: rw
""".strip()

TYPES = {
    "/var/lib/dlec.sqlite": "ext4",
    "/home/ada/dlec.sqlite": "nfs4",
    "/home/ada/scratch/dlec.sqlite": "xfs",
    "/home/ada/scratchy/dlec.sqlite": "nfs4",
    "/mnt/with blank/dlec.sqlite": "fuse.sshfs",
    "/data/dlec.sqlite": "lustre",
    "/windows/dlec.sqlite": "9p",
}


@pytest.mark.parametrize(("path", "kind"), TYPES.items())
def test_the_deepest_and_latest_mount_holds_a_path(path, kind):
    assert location.type_among(MOUNTS, Path(path)) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "lustre", "fuse.sshfs", "9p", "ceph", "beegfs", ""])
def test_networked_and_unknown_kinds_are_not_local(monkeypatch, kind):
    monkeypatch.setattr(location, "file_system_type", lambda _path: kind)
    assert not location.is_local(Path("/any"))


def test_a_system_that_does_not_tell_is_not_local(monkeypatch, tmp_path):
    monkeypatch.setattr(location, "MOUNTS", tmp_path / "absent")
    assert location.file_system_type(tmp_path) == ""


@pytest.mark.parametrize(("local", "journal"), [(True, "wal"), (False, "delete")])
def test_the_journal_is_chosen_by_the_file_system(monkeypatch, path, local, journal):
    monkeypatch.setattr(database, "is_local", lambda _path: local)
    db = open_for_writing(path)
    assert db.journal_mode == journal
    db.close()


def test_a_store_that_moved_to_a_network_gives_up_its_log(monkeypatch, path):
    for local, journal in [(True, "wal"), (False, "delete")]:
        monkeypatch.setattr(database, "is_local", lambda _path, local=local: local)
        db = open_for_writing(path)
        assert db.journal_mode == journal
        db.close()
