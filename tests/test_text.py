"""Text as numbers, windows of it, and where Shakespeare is found."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import naivegrad as ng
from naivegrad.data import (
    CharacterText,
    DataLoader,
    TextWindows,
    find_shakespeare,
    romeo_and_juliet,
)


def test_a_text_is_encoded_and_decoded():
    text = CharacterText("bananas, née\n")
    assert text.characters == tuple(sorted(set("bananas, née\n")))
    numbers = text.encode(text.text)
    assert numbers.dtype == ng.int64
    assert [text.characters[i] for i in numbers.tolist()] == list(text.text)
    assert text.decode(numbers.tolist()) == text.text
    assert text.encode("").shape == (0,)
    assert (len(text), len(CharacterText(""))) == (13, 0)
    assert repr(text) == "CharacterText(13 characters, 9 different)"
    with pytest.raises(ValueError, match="'x' is not one of the 9 characters"):
        text.encode("bax")


@pytest.mark.parametrize(("length", "stride"), [(1, 1), (4, 1), (4, 4), (3, 5), (10, 1), (10, 10)])
def test_windows_and_what_comes_next(length, stride):
    numbers = ng.arange(100, 111)
    windows = TextWindows(numbers, length, stride)
    starts = [s for s in range(0, 11, stride) if s + length < 11]  # one more must follow
    expected = [np.arange(100 + s, 101 + s + length) for s in starts]
    assert len(windows) == len(expected)
    for (inputs, targets), window in zip(windows, expected, strict=True):
        np.testing.assert_array_equal(inputs.numpy(), window[:-1])
        np.testing.assert_array_equal(targets.numpy(), window[1:])
    inputs, targets = next(iter(DataLoader(windows, len(windows))))
    np.testing.assert_array_equal(inputs.numpy(), [window[:-1] for window in expected])
    np.testing.assert_array_equal(targets.numpy(), [window[1:] for window in expected])
    assert windows[-1][0].tolist() == expected[-1][:-1].tolist()
    with pytest.raises(IndexError, match="TextWindows"):
        windows[len(expected)]


def test_windows_that_cannot_be():
    with pytest.raises(ValueError, match=r"windows of 5 need a text of at least 6 .* got 5"):
        TextWindows(ng.arange(5), 5)
    with pytest.raises(ValueError, match="at least 1, got 0 and 1"):
        TextWindows(ng.arange(5), 0)
    with pytest.raises(ValueError, match="at least 1, got 2 and 0"):
        TextWindows(ng.arange(5), 2, 0)


def test_the_play_is_the_real_one():
    play = romeo_and_juliet()
    digest = hashlib.sha256(play.encode()).hexdigest()
    assert digest == "daf75ba27c60f42b32c77b4a77d3bbd98c0bd5d3f3ee3e47376bfa9687b8cde7"
    assert play.startswith("SAMPSON:\nGregory, o' my word")
    assert play.endswith("Than this of Juliet and her Romeo.\n")
    folder = Path(ng.data.__file__).parent
    assert (folder / "romeo.txt.gz").stat().st_size < 60_000
    assert "public domain" in (folder / "romeo.txt").read_text()


def test_shakespeare_is_looked_for_in_order(tmp_path, monkeypatch):
    monkeypatch.delenv("NAIVEGRAD_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert find_shakespeare() is None
    kept = tmp_path / "cache" / "naivegrad" / "tinyshakespeare.txt"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert find_shakespeare() == kept
    named = tmp_path / "named" / "tinyshakespeare" / "input.txt"
    named.parent.mkdir(parents=True)
    named.touch()
    monkeypatch.setenv("NAIVEGRAD_DATA", str(tmp_path / "named"))
    assert find_shakespeare() == named
    assert find_shakespeare(tmp_path / "cache") is None  # nowhere else
    assert find_shakespeare(named.parent) == named
