"""What a journal promises: never more than is on the disk, and only to the merge that wrote it."""

import os

import pytest

from engine.merge.byte_operations import byte_operations
from engine.merge.journal import begin_journal, continued_journal, read_watermark, signature_of
from engine.merge.layout import lay_out
from engine.merge.sources import sources_of
from engine.plan.outputs import output_tensors
from tests.merge.stacks import stack_of


def signature(base, **settings):
    layout = lay_out(output_tensors(stack_of(base, **settings)))
    return signature_of(layout, byte_operations(layout), sources_of(layout.tensors))


def test_the_last_mark_counts(tmp_path):
    begin_journal(tmp_path / "journal", "abc")
    with continued_journal(tmp_path / "journal") as journal:
        journal.mark(3)
        journal.mark(9)
    assert read_watermark(tmp_path / "journal", "abc") == 9


@pytest.mark.parametrize("torn", ["done 9", "done", "signature abc", "\0\0\0\0", "done \n", "done 1x\n"])
def test_a_torn_line_is_as_if_it_had_not_been_begun(tmp_path, torn):
    (tmp_path / "journal").write_text(f"signature abc\ndone 3\n{torn}")
    assert read_watermark(tmp_path / "journal", "abc") == 3


@pytest.mark.parametrize("text", ["", "signature abc", "signature abd\ndone 3\n", "done 3\n", "\xff\xfe\n"])
def test_a_journal_of_another_merge_says_nothing(tmp_path, text):
    (tmp_path / "journal").write_text(text)
    assert read_watermark(tmp_path / "journal", "abc") is None


def test_no_journal_says_nothing(tmp_path):
    assert read_watermark(tmp_path / "journal", "abc") is None


def test_the_signature_is_that_of_the_plan(base):
    assert signature(base) == signature(base)
    assert signature(base) != signature(base, layers=(0, 1, 2, 3, 4, 5))
    assert signature(base) != signature(base, dtype="BF16")


def test_the_signature_is_that_of_the_source_files(own_base):
    before = signature(own_base)
    os.utime(next(own_base.glob("*.safetensors")), (0, 0))
    assert signature(own_base) != before
