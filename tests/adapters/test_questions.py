"""Questions for a person's writing, asked of a real server on loopback."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from adapters.dataset import lessening, store
from adapters.errors import AskingRefused, BadRequest, NoDataset, NotWritable
from adapters.questions.answers import count, forget, remembered
from adapters.questions.finding import Outcome, ask, leaving
from adapters.questions.model import Pace, Server
from adapters.questions.where import address
from tests.adapters import essays
from tests.fakes.model import KEY, Fault, ModelServer, model_server

NUMBER = re.compile(r"On day number (\d+)")
QUICK = Pace(at_once=2, silence_s=10, retries=1)


def number(question: dict[str, Any]) -> int:
    found = NUMBER.search(question["messages"][-1]["content"])
    assert found
    return int(found[1])


def answer(question: dict[str, Any]) -> list[str]:
    return [f"What did you do on day {number(question)}?"]


def expected(numbers: range = range(10)) -> list[str]:
    return [f"What did you do on day {n}?" for n in numbers]


@pytest.fixture
async def there() -> AsyncIterator[ModelServer]:
    async with model_server(speaks=answer) as server:
        yield server


async def run(
    home: Path, there: ModelServer, model: str = "base", pace: Pace = QUICK, **options: Any
) -> Outcome:
    return await ask(home, "maya", at(there), model, pace=pace, **options)


def at(there: ModelServer, key: str = KEY) -> Server:
    return Server(address(there.url), SecretStr(key))


def elsewhere(there: ModelServer) -> Server:
    """The same one, as if it were a stranger's."""
    strange = replace(address(there.url), host="example.com", own=False)
    return replace(at(there), address=strange)


async def test_each_chunk_gets_the_question_it_answers(tmp_path: Path, there: ModelServer) -> None:
    essays.write(tmp_path)
    before = store.load(tmp_path, "maya")
    outcome = await run(tmp_path, there)
    after = store.load(tmp_path, "maya")
    assert essays.users(tmp_path) == expected()
    assert (outcome.rows, outcome.questions, outcome.asked) == (10, 10, 10)
    assert (len(after.train), len(after.held_out)) == (8, 2)
    for old, new in zip(before.train + before.held_out, after.train + after.held_out, strict=True):
        assert new["request"] == old["messages"][1]["content"]
        assert new["messages"][::2] == old["messages"][::2]
        assert (new["at"], new["speakers"]) == (old["at"], old["speakers"])
    assert after.report.questions is not None
    assert (after.report.questions.rows, after.report.questions.model) == (10, "base")
    assert after.report.digest != before.report.digest


async def test_what_was_answered_is_not_asked_again_unless_it_is_wanted(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)
    await run(tmp_path, there)
    digest = store.report(tmp_path, "maya").digest
    assert (await run(tmp_path, there)).asked == 0
    assert store.report(tmp_path, "maya").digest == digest
    essays.write(tmp_path, chunks=12)  # two more of them, imported anew
    assert (await run(tmp_path, there)).asked == 2
    assert essays.users(tmp_path) == expected(range(12))
    assert (await run(tmp_path, there, again=True)).asked == 12
    assert len(there.questions) == 24


async def test_another_model_is_asked_anew_about_the_chunks_as_they_were_imported(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)
    await run(tmp_path, there)
    there.speaks = lambda question: ["I would rather not."]
    outcome = await run(tmp_path, there, "other")
    assert (outcome.questions, outcome.asked) == (0, 10)
    assert essays.users(tmp_path) == [essays.request(n) for n in range(10)]
    assert "request" not in store.load(tmp_path, "maya").train[0]
    assert {q["messages"][-1]["content"] for q in there.questions[:10]} == {
        q["messages"][-1]["content"] for q in there.questions[10:]
    }
    assert (await run(tmp_path, there)).asked == 0
    assert essays.users(tmp_path) == expected()


async def test_a_useless_answer_is_asked_for_once_more_and_then_the_title_stays(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)
    tries: list[int] = []

    def speaks(question: dict[str, Any]) -> list[str]:
        tries.append(number(question))
        good = tries.count(3) > 1 if number(question) == 3 else number(question) != 5
        return answer(question) if good else ["I am sorry, I can't."]

    there.speaks = speaks
    outcome = await run(tmp_path, there)
    assert (tries.count(3), tries.count(5), len(tries)) == (2, 2, 12)
    assert outcome.questions == 9
    assert "1 keep their title" in outcome.sentence
    assert essays.users(tmp_path)[5] == essays.request(5)
    assert store.report(tmp_path, "maya").questions.rows == 9  # type: ignore[union-attr]
    there.speaks = answer
    assert (await run(tmp_path, there)).asked == 1  # a new run tries it again
    assert essays.users(tmp_path) == expected()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429, retry_after="1"),
        Fault(status=500),
        Fault(status=503),
        Fault(cut=True),
        Fault(garbage="{'no': json"),
        Fault(garbage='{"choices": []}'),
        Fault(garbage='[[["nested"]]]'),
        Fault(garbage="\x00" * (2 << 20)),
        Fault(garbage="[" * 100_000),
    ],
    ids=lambda fault: str(fault.status or (fault.garbage or "cut")[:16]),
)
async def test_a_bad_moment_of_the_server_costs_no_question(
    tmp_path: Path, there: ModelServer, fault: Fault
) -> None:
    essays.write(tmp_path)
    there.faults.append(fault)
    outcome = await run(tmp_path, there)
    if outcome.unanswered:
        assert fault.garbage
        assert "the server did not answer" in outcome.sentence
        outcome = await run(tmp_path, there)
    assert (outcome.questions, essays.users(tmp_path)) == (10, expected())
    assert len(there.came_at) == 11
    if fault.retry_after:
        assert there.came_at[-1] - there.came_at[0] >= 1


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        ([Fault(status=429, retry_after="900")], "takes no more for now.*run it again"),
        ([Fault(silent=True)] * 9, "silent for too long; what was answered is kept"),
        ([Fault(status=404)], "has no model 'base'"),
        ([Fault(status=403)], "refuses the key; set QUESTIONS_API_KEY"),
        ([Fault(status=500)] * 40, r"failed 10 times in a row: .*500"),
        ([Fault(status=400)] * 40, r"failed 10 times in a row: .*400"),
    ],
    ids=["429", "silent", "404", "403", "500", "400"],
)
async def test_a_server_that_does_not_answer_ends_it_with_a_sentence_and_nothing_is_written(
    tmp_path: Path, there: ModelServer, faults: list[Fault], sentence: str
) -> None:
    essays.write(tmp_path, chunks=30)
    before = store.load(tmp_path, "maya")
    there.faults.extend(faults)
    with pytest.raises(AskingRefused, match=sentence):
        await run(tmp_path, there, pace=replace(QUICK, silence_s=0.5))
    assert store.load(tmp_path, "maya") == before
    there.faults.clear()
    kept = count(tmp_path, "maya")
    assert (await run(tmp_path, there)).asked == 30 - kept


async def test_a_server_that_is_not_there_is_named(tmp_path: Path, there: ModelServer) -> None:
    essays.write(tmp_path)
    nobody = Server(address("http://127.0.0.1:1"))
    with pytest.raises(AskingRefused, match=r"127\.0\.0\.1 can't be reached"):
        await ask(tmp_path, "maya", nobody, "base", pace=QUICK)


async def test_one_chunk_that_the_server_refuses_does_not_stop_the_others(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path, chunks=40)
    await run(tmp_path, there, pace=replace(QUICK, at_once=1))
    forget(tmp_path, "maya")
    there.faults.extend([Fault()] + [Fault(status=400, says="too long\x1b[2J a prompt")] * 15)
    outcome = await run(tmp_path, there, pace=replace(QUICK, at_once=1))
    assert (outcome.questions, outcome.unanswered) == (25, 15)
    assert "too long" in outcome.why
    assert "\x1b" not in outcome.why


async def test_a_wrong_key_is_a_sentence_and_no_key_is_ever_told(
    tmp_path: Path, there: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    essays.write(tmp_path)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(AskingRefused, match="refuses the key; set QUESTIONS_API_KEY") as refused:
        await ask(tmp_path, "maya", at(there, "s3cret-key"), "base", pace=QUICK)
    there.faults.extend([Fault(status=400, says=f"no {KEY} here")] * 40)
    with pytest.raises(AskingRefused) as failed:
        await run(tmp_path, there)
    assert "s3cret" not in f"{refused.value}{caplog.text}"
    assert KEY not in f"{failed.value}{caplog.text}"
    assert KEY.encode() not in b"".join(
        path.read_bytes() for path in (tmp_path / "questions").iterdir()
    )


async def test_a_server_is_told_the_chunks_and_its_key_and_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    essays.write(tmp_path, chunks=1, held_out=0)
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID"):
        monkeypatch.setenv(f"OPENAI_{name}", "s3cret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: s3cret\nAuthorization: Bearer s3cret")
    told: list[dict[str, str]] = []

    async def note(request: web.Request) -> web.Response:
        told.append(dict(request.headers))
        return web.json_response({"choices": [{"message": {"content": "Why?"}}]})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", note)
    async with TestServer(app) as server:
        where = address(str(server.make_url("")))
        for key in (SecretStr(KEY), None):
            await ask(tmp_path, "maya", Server(where, key), str(key), pace=QUICK)
    assert [headers.get("Authorization") for headers in told] == [f"Bearer {KEY}", None]
    assert "s3cret" not in str(told)


async def test_nobody_else_is_asked_because_a_server_says_so(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"{there.url}/v1/chat/completions")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", elsewhere)
    async with TestServer(app) as server:
        where = address(str(server.make_url("")))
        with pytest.raises(AskingRefused, match="307"):
            await ask(tmp_path, "maya", Server(where, SecretStr(KEY)), "base", pace=QUICK)
    assert there.asked == []


async def test_a_model_that_thinks_or_a_server_that_knows_no_max_tokens_gets_no_bound(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)
    there.knows_max_tokens = False
    assert (await run(tmp_path, there, pace=replace(QUICK, at_once=4))).questions == 10
    assert sum("max_tokens" not in question for question in there.questions) == 10
    there.knows_max_tokens = True
    there.questions.clear()
    there.faults.append(Fault(finish="length"))
    thoughts = iter(["<think>Hm, is it?"])
    there.speaks = lambda question: [next(thoughts, None) or answer(question)[0]]
    assert (await run(tmp_path, there, "other", replace(QUICK, at_once=1))).questions == 10
    assert ["max_tokens" in question for question in there.questions] == [True] + [False] * 10


async def test_a_minute_has_room_for_so_many_requests_and_so_many_are_under_way(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)
    there.first_word_after_s = 0.2
    there.faults.append(Fault(status=500))  # the library's retry counts, too
    await run(tmp_path, there, pace=Pace(per_minute=1200, at_once=3))
    gaps = [after - at for at, after in zip(there.came_at, there.came_at[1:], strict=False)]
    assert len(gaps) == 10
    assert there.came_at[-1] - there.came_at[0] >= 10 * 0.05 - 0.02
    assert there.most_speaking == 3


async def test_nothing_leaves_the_owners_network_unless_it_may(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)
    characters = sum(len(essays.essay(n)) for n in range(10))
    sentence = (
        f"10 chunks of what Maya has written ({characters:,} characters) would be sent to "
        "example.com, which is not in your network, and unencrypted"
    )
    assert leaving(tmp_path, "maya", elsewhere(there), "base") == sentence
    assert leaving(tmp_path, "maya", at(there), "base") is None
    with pytest.raises(BadRequest, match=re.escape(sentence)):
        await ask(tmp_path, "maya", elsewhere(there), "base")
    assert there.asked == []
    fast = replace(QUICK, per_minute=0)
    await ask(tmp_path, "maya", elsewhere(there), "base", pace=fast, may_leave=True)
    assert leaving(tmp_path, "maya", elsewhere(there), "base") is None
    assert leaving(tmp_path, "maya", elsewhere(there), "base", again=True) == sentence
    assert Pace().every_s(elsewhere(there).address) == 1
    assert Pace().every_s(at(there).address) == 0


@pytest.mark.parametrize("format", ["whatsapp", "telegram", "script"])
async def test_a_chat_is_refused_as_it_has_real_questions(
    tmp_path: Path, there: ModelServer, format: str
) -> None:
    essays.write(tmp_path, format=format)
    with pytest.raises(BadRequest, match="people have asked real questions"):
        await run(tmp_path, there)
    with pytest.raises(NoDataset):
        await ask(tmp_path, "tom", at(there), "base")
    with pytest.raises(BadRequest, match="can't be a persona's name"):
        await ask(tmp_path, "../tom", at(there), "base")
    assert there.asked == []


async def test_rows_that_are_no_chunks_are_refused(tmp_path: Path, there: ModelServer) -> None:
    essays.write(tmp_path)
    train = tmp_path / "datasets" / "maya" / "train.jsonl"
    for line in ('{"messages": []}', "[]", '{"messages": [1, 2]}', "{}", '{"messages": "ab"}'):
        train.write_text(line + "\n")
        with pytest.raises(NoDataset, match="import it again"):
            await run(tmp_path, there)


async def test_what_is_imported_meanwhile_is_not_written_over(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)

    def speaks(question: dict[str, Any]) -> list[str]:
        if number(question) == 4:
            essays.write(tmp_path, chunks=5, held_out=0)
        return answer(question)

    there.speaks = speaks
    with pytest.raises(AskingRefused, match="was changed while questions were asked"):
        await run(tmp_path, there)
    assert essays.users(tmp_path) == [essays.request(n) for n in range(5)]
    there.speaks = answer
    assert (await run(tmp_path, there)).asked < 5
    assert essays.users(tmp_path) == expected(range(5))


async def test_who_is_withdrawn_meanwhile_is_asked_about_no_more(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)

    def speaks(question: dict[str, Any]) -> list[str]:
        if number(question) == 4:
            store.remove(tmp_path, "maya")
            forget(tmp_path, "maya")
        return answer(question)

    there.speaks = speaks
    with pytest.raises((AskingRefused, NoDataset)):
        await run(tmp_path, there)
    assert len(there.questions) <= 6
    assert not (tmp_path / "datasets" / "maya").exists()
    assert not list((tmp_path / "questions").glob("[!.]*"))


async def test_who_is_taken_out_of_the_report_meanwhile_does_not_come_back(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)
    report = store.report(tmp_path, "maya")
    known = report.model_copy(update={"speakers": {**report.speakers, "Zoe": 3}})
    (store.folder(tmp_path, "maya") / store.REPORT).write_text(known.model_dump_json())

    def speaks(question: dict[str, Any]) -> list[str]:
        if number(question) == 4:  # she is only counted, in no row
            lessening.without(tmp_path, "maya", set(), lambda name: name == "Zoe", "")
        return answer(question)

    there.speaks = speaks
    with pytest.raises(AskingRefused, match="was changed while questions were asked"):
        await run(tmp_path, there)
    assert store.report(tmp_path, "maya").speakers == report.speakers


async def test_two_at_once_are_one_after_the_other(tmp_path: Path, there: ModelServer) -> None:
    essays.write(tmp_path)
    with (
        remembered(tmp_path, "maya", "base"),
        pytest.raises(AskingRefused, match="are being asked already"),
    ):
        await run(tmp_path, there)
    assert there.asked == []
    assert (await run(tmp_path, there)).questions == 10


async def test_a_full_disk_under_the_answers_is_a_sentence(
    tmp_path: Path, there: ModelServer
) -> None:
    essays.write(tmp_path)

    def fill() -> None:
        with remembered(tmp_path, "maya", "base") as kept:
            kept._database.execute("PRAGMA max_page_count = 3")
            for place in range(1000):
                kept.keep(kept.key([{"role": "user", "content": str(place)}]), "Why?" * 20)

    with pytest.raises(NotWritable, match="the disk is full; free some space"):
        fill()
    assert 0 < count(tmp_path, "maya") < 1000
    assert (await run(tmp_path, there)).questions == 10


async def test_damaged_answers_are_a_sentence(tmp_path: Path, there: ModelServer) -> None:
    essays.write(tmp_path)
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "maya.sqlite").write_text("no database" * 1000)
    with pytest.raises(NotWritable, match=r"maya\.sqlite is damaged; remove it"):
        await run(tmp_path, there)
    assert count(tmp_path, "maya") == 0
    forget(tmp_path, "maya")
    assert (await run(tmp_path, there)).questions == 10
