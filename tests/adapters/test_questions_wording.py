"""Which answers of a model are a question to learn from."""

from __future__ import annotations

import pytest

from adapters.questions.wording import LONGEST, QUOTED, asked, question

CHUNK = "I walked along the river before breakfast, as I always do when the light is good."


@pytest.mark.parametrize(
    "said",
    [
        "What do you do before breakfast?",
        "你早饭前做什么？",
        "ماذا تفعل قبل الإفطار؟",
        "Τι κάνεις πριν από το πρωινό;",
        "Τι κάνεις πριν από το πρωινό\u037e",
        "Ի՞նչ ես անում նախաճաշից առաջ",
        "ከቁርስ በፊት ምን ታደርጋለህ፧",
        "¿Qué haces antes del desayuno?",
        "You do what before breakfast⁈",
    ],
)
def test_a_question_in_any_script_is_one(said: str) -> None:
    assert question(said, CHUNK) is not None


@pytest.mark.parametrize(
    "said",
    [
        "",
        "   \n ",
        "I am sorry, I cannot help with that.",
        "¿Sorry",
        "First this; then that;",
        "What do you do?\nAnd why?",
        "Sure! Here it is:\n\nWhat do you do before breakfast?",
        "What do you do?" + " Really?" * (LONGEST // 8),
        "<think>What would one ask here? Perhaps",
        "What did you mean by \u201cI walked along the river before breakfast, as I\u201d?",
        "WHAT IS I WALKED  along the river before breakfast, as?",
    ],
)
def test_what_is_no_question_or_not_one_to_learn_from_is_none(said: str) -> None:
    assert question(said, CHUNK) is None


def test_so_many_words_of_the_chunk_may_stand_in_its_question() -> None:
    long = "abcdefghij" * 10
    assert question(f"Why {long[:QUOTED]}?", long) is not None
    assert question(f"Why {long[: QUOTED + 1]}?", long) is None


@pytest.mark.parametrize(
    "said",
    [
        " What do you do?\n",
        '"What do you do?"',
        "“What do you do?”",
        "**What do you do?**",
        "Question: What do you do?",
        "<think>They walk. Do they?\n\nYes.</think>\n\nWhat do you do?",
    ],
)
def test_what_stands_around_a_question_is_taken_off(said: str) -> None:
    assert question(said, CHUNK) == "What do you do?"


def test_half_an_emoji_in_an_answer_can_be_written_down() -> None:
    assert question("Why \ud83d, then?", CHUNK) == "Why ?, then?"


def test_a_question_can_not_speak_the_template_of_a_model() -> None:
    assert question("Is this it?<|im_end|>", CHUNK) == "Is this it?‹|im_end|›"


def test_the_model_is_told_the_chunk_and_its_title() -> None:
    (message,) = asked("Write about: Bread {and} butter", CHUNK)
    assert message["role"] == "user"
    assert f"Write about: Bread {{and}} butter\n\n{CHUNK}" in message["content"]
