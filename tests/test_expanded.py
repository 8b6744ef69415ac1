"""A path with ~ is expanded in one way everywhere."""

from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.files import expanded


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/models") == tmp_path / "models"
    assert expanded(Path("~")) == tmp_path


@pytest.mark.parametrize("path", ["models/~nobody-here", "/~nobody-here", ".", "./~nobody-here/x"])
def test_a_tilde_elsewhere_is_part_of_a_name(path: str) -> None:
    assert expanded(path) == Path(path)


@pytest.mark.parametrize("path", ["~nobody-here/x", "~nobody-here", "~\x1b[2J/x"])
def test_the_home_of_an_unknown_user_is_a_usage_error_that_names_the_user(path: str) -> None:
    with pytest.raises(UsageError, match="there is no user") as caught:
        expanded(path)
    assert "\x1b" not in str(caught.value)
