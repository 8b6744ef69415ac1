"""What a merge promises: the right tensors, whole or not at all, continued where it stopped."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.errors import CheckpointError, MachineError, UsageError
from engine.merge import writer
from engine.merge.integrity import mismatches
from engine.merge.partial import partial_of
from engine.tasks import merge_writing
from engine.tasks.loadcheck import LoadCheck
from tests.merge.stacks import ZEROED, leftovers, merged, partial_model, settled_bytes, stack_of
from tests.tiny import write_llama

LAYERS = (0, 1, 2, 3, 2, 3, 4, 5)


def tensors_in(directory):
    found = {}
    for shard in sorted(Path(directory).glob("*.safetensors")):
        found |= load_file(shard)
    return found


def by_hand(base, layers, change=lambda _name, _repeat, tensor: tensor):
    """The tensors of a stack, built with torch alone."""
    source = tensors_in(base)
    expected = {name: tensor for name, tensor in source.items() if ".layers." not in name}
    for number, layer in enumerate(layers):
        prefix, repeat = f"model.layers.{layer}.", list(layers[:number]).count(layer)
        for name, tensor in source.items():
            if name.startswith(prefix):
                suffix = name.removeprefix(prefix)
                expected[f"model.layers.{number}.{suffix}"] = change(suffix, repeat, tensor)
    return expected


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("max_shard_size", [5_000_000_000, 4000, 1])
@pytest.mark.parametrize("layers", [LAYERS, (5, 0, 0, 3), tuple(range(6))])
def test_a_copy_holds_the_tensors_of_its_layers(base, tmp_path, layers, max_shard_size):
    merged(stack_of(base, layers), tmp_path / "out", max_shard_size=max_shard_size)
    assert_same(tensors_in(tmp_path / "out"), by_hand(base, layers))


@pytest.mark.parametrize("factor", [0.0, 0.5, -3.0])
def test_a_scale_is_torchs_product(base, tmp_path, factor):
    def scaled(suffix, repeat, tensor):
        return tensor * factor if repeat and "o_proj" in suffix else tensor

    merged(stack_of(base, LAYERS, levels=((("o_proj", factor),),)), tmp_path / "out")
    assert_same(tensors_in(tmp_path / "out"), by_hand(base, LAYERS, scaled))


@pytest.mark.parametrize(("dtype", "expected"), [("BF16", torch.bfloat16), ("F16", torch.float16)])
def test_a_cast_is_torchs_cast(base, tmp_path, dtype, expected):
    merged(stack_of(base, LAYERS, dtype=dtype), tmp_path / "out")
    cast = {name: tensor.to(expected) for name, tensor in by_hand(base, LAYERS).items()}
    assert_same(tensors_in(tmp_path / "out"), cast)


def test_a_scale_computed_in_pieces_is_the_same(base, tmp_path, monkeypatch):
    stack = stack_of(base, LAYERS, levels=((("mlp", 0.3),),), dtype="BF16")
    merged(stack, tmp_path / "whole")
    monkeypatch.setattr("engine.merge.planned_operations.MAX_COMPUTE", 24)
    merged(stack, tmp_path / "pieces")
    assert settled_bytes(tmp_path / "whole") == settled_bytes(tmp_path / "pieces")


def test_config_is_the_donors_with_the_new_count(base, tmp_path):
    merged(stack_of(base), tmp_path / "out")
    expected = (base / "config.json").read_text().replace('"num_hidden_layers": 6', '"num_hidden_layers": 8')
    assert (tmp_path / "out/config.json").read_text() == expected


def test_the_report_counts_what_was_done(base, tmp_path):
    seen = []
    report = merged(
        stack_of(base, levels=((("o_proj", 0.5), ("down_proj", 0.0)),)),
        tmp_path / "out",
        lambda done, total: seen.append((done, total)),
    )
    assert (report.tensors_computed, report.tensors_copied, report.shards) == (2, 73, 1)
    assert report.nbytes == (tmp_path / "out/model.safetensors").stat().st_size
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1] == report.nbytes - header_bytes(tmp_path / "out/model.safetensors")


def header_bytes(path):
    return 8 + int.from_bytes(path.read_bytes()[:8], "little")


def test_nothing_remains_beside_the_output(base, tmp_path):
    merged(stack_of(base), tmp_path / "out")
    assert leftovers(tmp_path / "out") == []
    assert not [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("levels", [(), ZEROED])
def test_copies_and_zeroes_need_no_torch(base, tmp_path, levels):
    """A fresh interpreter that cannot import torch, transformers or numpy writes the same bytes."""
    merged(stack_of(base, levels=levels), tmp_path / "here")
    code = f"""
import sys
from pathlib import Path
sys.modules.update(dict.fromkeys(("torch", "transformers", "numpy")))
from tests.merge.stacks import merged, stack_of
merged(stack_of({str(base)!r}, levels={levels!r}), Path({str(tmp_path / "blocked")!r}))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert settled_bytes(tmp_path / "here") == settled_bytes(tmp_path / "blocked")


class StoppedError(Exception):
    """Raised in the middle of a merge."""


def stopping_after(count):
    calls = []

    def progress(_done, _total):
        calls.append(1)
        if len(calls) > count:
            raise StoppedError

    return progress


@pytest.fixture
def many_operations(monkeypatch):
    """Tiny pieces and batches, so that a small merge has hundreds of steps and watermarks."""
    monkeypatch.setattr("engine.merge.planned_operations.MAX_COPY", 128)
    monkeypatch.setattr(writer, "SYNC_BYTES", 512)


@pytest.mark.parametrize("count", [0, 1, 2, 50, 150])
@pytest.mark.usefixtures("many_operations")
def test_a_stopped_merge_continues_to_the_same_bytes(base, tmp_path, count):
    stack = stack_of(base, levels=ZEROED)
    merged(stack, tmp_path / "undisturbed", max_shard_size=4000)
    with pytest.raises(StoppedError):
        merged(stack, tmp_path / "out", stopping_after(count), max_shard_size=4000)
    assert not (tmp_path / "out").exists()
    merged(stack, tmp_path / "out", max_shard_size=4000)
    assert settled_bytes(tmp_path / "out") == settled_bytes(tmp_path / "undisturbed")


@pytest.mark.usefixtures("many_operations")
def test_a_continued_merge_does_not_begin_at_the_beginning(base, tmp_path):
    with pytest.raises(StoppedError):
        merged(stack_of(base), tmp_path / "out", stopping_after(150))
    seen = []
    merged(stack_of(base), tmp_path / "out", lambda done, _total: seen.append(done))
    assert seen[0] > 100 * 128


@pytest.mark.usefixtures("many_operations")
def test_another_plan_starts_over(base, tmp_path):
    with pytest.raises(StoppedError):
        merged(stack_of(base), tmp_path / "out", stopping_after(100))
    merged(stack_of(base, (0, 1, 1, 2, 3, 4, 5)), tmp_path / "out")
    assert_same(tensors_in(tmp_path / "out"), by_hand(base, (0, 1, 1, 2, 3, 4, 5)))


@pytest.mark.usefixtures("many_operations")
def test_a_changed_source_starts_over(own_base, tmp_path):
    with pytest.raises(StoppedError):
        merged(stack_of(own_base), tmp_path / "out", stopping_after(100))
    write_llama(own_base, shards=2, seed=7)
    merged(stack_of(own_base), tmp_path / "out")
    assert_same(tensors_in(tmp_path / "out"), by_hand(own_base, LAYERS))


def test_a_source_that_vanishes_is_named(own_base, tmp_path):
    stack = stack_of(own_base)
    shard = sorted(own_base.glob("*.safetensors"))[1]
    shard.unlink()
    with pytest.raises(CheckpointError, match=f"{shard.name} is missing"):
        merged(stack, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def spoiling(action):
    """A progress callback that does `action` once, when the merge has begun."""
    done = []

    def progress(_done, _total):
        if not done:
            done.append(action())

    return progress


def test_a_source_that_shrinks_is_named_with_figures(own_base, tmp_path):
    shard = sorted(own_base.glob("*.safetensors"))[1]
    with pytest.raises(CheckpointError, match=rf"{shard.name} shrank .*byte [\d,]+ was needed, the file has 2,000"):
        merged(stack_of(own_base), tmp_path / "out", spoiling(lambda: truncate(shard, 2000)))
    assert not (tmp_path / "out").exists()


def truncate(path, size):
    with path.open("r+b") as file:
        file.truncate(size)


def test_a_source_that_is_written_to_meanwhile_is_noticed(own_base, tmp_path):
    shard = sorted(own_base.glob("*.safetensors"))[0]
    with pytest.raises(CheckpointError, match=f"{shard.name} changed while it was being copied"):
        merged(stack_of(own_base), tmp_path / "out", spoiling(shard.touch))
    assert not (tmp_path / "out").exists()


def test_a_used_output_is_left_alone(base, tmp_path):
    merged(stack_of(base), tmp_path / "out")
    before = settled_bytes(tmp_path / "out")
    with pytest.raises(UsageError, match="exists and is not empty"):
        merged(stack_of(base, (0, 1)), tmp_path / "out")
    assert settled_bytes(tmp_path / "out") == before
    assert leftovers(tmp_path / "out") == []


def test_overwrite_replaces_the_whole_directory(base, tmp_path):
    merged(stack_of(base), tmp_path / "out", max_shard_size=4000)
    merged(stack_of(base, (0, 1)), tmp_path / "out", overwrite=True)
    assert [path.name for path in (tmp_path / "out").glob("*.safetensors*")] == ["model.safetensors"]
    assert leftovers(tmp_path / "out") == []


@pytest.mark.parametrize("where", ["", ".."])
def test_a_source_is_never_the_output(own_base, where):
    with pytest.raises(UsageError, match="is read from there"):
        merged(stack_of(own_base), own_base / where, overwrite=True)
    assert (own_base / "config.json").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_source_that_is_reached_through_a_link_is_never_the_output(tmp_path, name):
    old = write_llama(tmp_path / "old")
    (old / "tokenizer.json").write_text("{}")
    links = shutil.copytree(old, tmp_path / "links")
    (links / name).unlink()
    (links / name).symlink_to(f"../old/{name}")
    with pytest.raises(UsageError, match=f"links/{name} is read from there"):
        merged(stack_of(links), old, overwrite=True)
    assert (old / name).exists()


def test_an_output_that_appears_meanwhile_is_kept_and_so_is_what_was_written(base, tmp_path):
    thesis = tmp_path / "out/thesis.tex"

    def appear():
        thesis.parent.mkdir()
        thesis.write_text("years of work")

    with pytest.raises(UsageError, match="has appeared"):
        merged(stack_of(base), tmp_path / "out", spoiling(appear))
    assert thesis.read_text() == "years of work"
    thesis.parent.rename(tmp_path / "safe")
    seen = []
    merged(stack_of(base), tmp_path / "out", lambda done, total: seen.append((done, total)))
    assert seen[0][0] == seen[0][1] > 0


@pytest.mark.parametrize("levels", [((("o_proj", 0.5),),), ()])
def test_what_must_be_computed_without_torch_is_refused_before_anything_is_written(base, tmp_path, monkeypatch, levels):
    monkeypatch.setitem(sys.modules, "torch", None)
    stack = stack_of(base, levels=levels, dtype=None if levels else "BF16")
    with pytest.raises(MachineError, match="torch cannot be imported"):
        merged(stack, tmp_path / "out", lambda *_: pytest.fail("something was written"))
    assert leftovers(tmp_path / "out") == []


def test_an_output_may_be_a_link_to_its_place(base, tmp_path):
    (tmp_path / "link").symlink_to("elsewhere/out")
    merged(stack_of(base), tmp_path / "link")
    assert (tmp_path / "elsewhere/out/config.json").exists()


def test_an_interrupt_leaves_nothing_under_the_name(base, tmp_path):
    def interrupt(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merged(stack_of(base), tmp_path / "out", interrupt)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_result_that_does_not_load_gets_no_name(base, tmp_path, monkeypatch):
    monkeypatch.setattr(merge_writing, "load_check", lambda *_: LoadCheck(missing=("lm_head.weight",)))
    with pytest.raises(CheckpointError, match=r"was not published.*lm_head.weight") as raised:
        merged(stack_of(base), tmp_path / "out", load_check=True)
    assert not (tmp_path / "out").exists()
    assert str(partial_model(tmp_path / "out")) in str(raised.value)
    assert partial_model(tmp_path / "out").is_dir()


def test_a_load_check_that_cannot_be_made_is_reported_and_does_not_forbid(base, tmp_path, monkeypatch):
    monkeypatch.setattr(merge_writing, "load_check", lambda *_: LoadCheck(unavailable="torch is not installed"))
    report = merged(stack_of(base), tmp_path / "out", load_check=True)
    assert report.loadcheck.unavailable == "torch is not installed"
    assert (tmp_path / "out/config.json").exists()


def test_a_load_check_that_is_killed_does_not_forbid(base, tmp_path, monkeypatch):
    def killed(*_arguments):
        raise MachineError("it was killed", why="probably because memory ran out", fix="Free some memory.")

    monkeypatch.setattr("engine.tasks.loadcheck.run_child", killed)
    report = merged(stack_of(base), tmp_path / "out", load_check=True)
    assert report.loadcheck.unavailable == "it was killed: probably because memory ran out"
    assert (tmp_path / "out/config.json").exists()


def test_a_merge_killed_after_its_last_rename_is_known_to_be_done(base, tmp_path, monkeypatch):
    def die(_partial):
        raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr("engine.merge.publish.clear", die)
        with pytest.raises(StoppedError):
            merged(stack_of(base), tmp_path / "out")
    before = settled_bytes(tmp_path / "out")
    assert merged(stack_of(base), tmp_path / "out").shards == 1
    assert settled_bytes(tmp_path / "out") == before
    assert leftovers(tmp_path / "out") == []


def test_what_an_earlier_run_left_beside_the_shards_is_not_published(base, tmp_path):
    with pytest.raises(StoppedError):
        merged(stack_of(base), tmp_path / "out", stopping_after(1))
    (partial_of(tmp_path / "out").model / "SHA256SUMS").write_text("stale")
    merged(stack_of(base), tmp_path / "out")
    assert not (tmp_path / "out/SHA256SUMS").exists()


def test_sums_are_those_that_sha256sum_checks(base, tmp_path):
    merged(stack_of(base), tmp_path / "out", hash_sums=True)
    subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=tmp_path / "out", check=True, capture_output=True)
    listed = (tmp_path / "out/SHA256SUMS").read_text().split()[1::2]
    assert sorted([*listed, "SHA256SUMS"]) == sorted(path.name for path in (tmp_path / "out").iterdir())


def test_sums_hold_for_a_name_that_is_not_text(own_base, tmp_path):
    (own_base / os.fsdecode(b"caf\xe9.txt")).write_text("")
    merged(stack_of(own_base), tmp_path / "out", hash_sums=True)
    subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=tmp_path / "out", check=True, capture_output=True)
    assert list(mismatches(tmp_path / "out")) == []


def test_a_checkpoint_known_by_its_headers_only_is_to_be_downloaded(base, tmp_path):
    stack = stack_of(base)
    object.__setattr__(stack.config_donor, "is_local", False)
    with pytest.raises(CheckpointError, match="has not been downloaded"):
        merged(stack, tmp_path / "out")


def test_the_index_is_what_transformers_writes(base, tmp_path):
    merged(stack_of(base), tmp_path / "out", max_shard_size=4000)
    index = json.loads((tmp_path / "out/model.safetensors.index.json").read_text())
    assert index["weight_map"].keys() == tensors_in(tmp_path / "out").keys()


def test_an_output_below_its_source_is_whole_resumes_and_leaves_the_source_as_it_is(base, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(base, source)
    before = {path.name: path.read_bytes() for path in source.iterdir()}

    def dying(done, _total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merged(stack_of(source), source / "new", dying)
    merged(stack_of(source), source / "new")
    merged(stack_of(base), tmp_path / "elsewhere")
    assert settled_bytes(source / "new") == settled_bytes(tmp_path / "elsewhere")
    assert {path.name: path.read_bytes() for path in source.iterdir() if path.is_file()} == before
