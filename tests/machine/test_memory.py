"""What memory is left, under every limit that a container or batch system may have set."""

from pathlib import Path

import pytest

from engine.machine.memory import Allowance, allowance_in, group_directories, memory, memory_from

GB = 10**9
VERSION_1 = """\
35 32 0:31 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
36 32 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
VERSION_2 = "29 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
DOCKER = "900 800 0:32 /docker/f00 /sys/fs/cgroup/memory ro master:17 - cgroup cgroup rw,memory\n"
MEMINFO = "MemTotal:       24684092 kB\nMemFree:        23852168 kB\nMemAvailable:   24261840 kB\nHugePages_Total: 0\n"


def directories(membership: str, mounts: str) -> list[str]:
    return [str(directory) for directory in group_directories(membership, mounts)]


def test_version_1_names_its_group_in_the_line_of_the_memory_controller():
    membership = "5:devices:/\n4:hugetlb,memory:/slurm/job_7\n0::/init.scope\n"
    root = "/sys/fs/cgroup/memory"
    assert directories(membership, VERSION_1) == [f"{root}/slurm/job_7", f"{root}/slurm", root]


def test_version_2_has_one_group_for_everything():
    membership = "0::/user.slice/session-3.scope\n"
    root = "/sys/fs/cgroup"
    assert directories(membership, VERSION_2) == [f"{root}/user.slice/session-3.scope", f"{root}/user.slice", root]


def test_a_container_sees_its_own_group_where_they_are_mounted():
    assert directories("4:memory:/docker/f00\n", DOCKER) == ["/sys/fs/cgroup/memory"]


def test_a_group_outside_of_what_is_mounted_leaves_the_mounted_one():
    assert directories("0::/../../other\n", VERSION_2.replace(" / ", " /ours ")) == ["/sys/fs/cgroup"]


def test_without_control_groups_there_is_no_limit():
    assert directories("0::/\n", "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n") == []


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text)
    return directory


def test_what_only_caches_files_may_be_taken_in_version_2(tmp_path):
    group = write(tmp_path, memory__max="8000\n", memory__current="5000\n", memory__stat="anon 1\ninactive_file 900\n")
    assert allowance_in(group) == Allowance(limit=8000, left=3900)


def test_what_only_caches_files_may_be_taken_in_version_1(tmp_path):
    stat = "inactive_file 1\ntotal_inactive_file 900\n"
    group = write(tmp_path, memory__limit_in_bytes="8000\n", memory__usage_in_bytes="5000\n", memory__stat=stat)
    assert allowance_in(group) == Allowance(limit=8000, left=3900)


@pytest.mark.parametrize(("name", "text"), [("memory.max", "max\n"), ("memory.limit_in_bytes", f"{2**63 - 4096}\n")])
def test_both_notations_of_no_limit(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert allowance_in(tmp_path) is None


def test_the_root_group_has_no_limit(tmp_path):
    assert allowance_in(tmp_path) is None


def test_without_limits_the_kernels_figure_counts():
    known = memory_from(MEMINFO, [])
    assert (known.total, known.available, known.limit) == (24684092 * 1024, 24261840 * 1024, None)


def test_the_tightest_group_decides():
    known = memory_from(MEMINFO, [Allowance(16 * GB, 9 * GB), Allowance(12 * GB, 10 * GB)])
    assert (known.available, known.limit) == (9 * GB, 12 * GB)


def test_this_machine_has_memory():
    known = memory()
    assert 0 < known.available <= known.total
