from __future__ import annotations

from bot.keeping import keep


def test_of_too_many_the_oldest_goes() -> None:
    kept: dict[str, int] = {}
    for number, name in enumerate("abcd"):
        keep(kept, name, number, 3)
    assert kept == {"b": 1, "c": 2, "d": 3}


def test_what_is_kept_anew_is_the_newest_and_drives_nothing_out() -> None:
    kept = {"a": 1, "b": 2}
    keep(kept, "a", 3, 2)
    assert list(kept.items()) == [("b", 2), ("a", 3)]
