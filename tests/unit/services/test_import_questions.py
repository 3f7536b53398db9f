"""Finding the question that a text asks."""

from evalsvc.services.importing.questions import Asked, QuestionIndex

SUMS = ["7 + 1 = ?", "17 + 1 = ?", "What  is\n$x$ where $x + 1 = 3$, as a decimal number, please?"]


def test_exact_texts_and_white_space() -> None:
    index = QuestionIndex(SUMS)
    assert index.asked(" 17 + 1 =  ?\n") == Asked((1,), certain=True)
    assert index.asked("What is $x$ where $x + 1 = 3$, as a decimal number, please?").rows == (2,)


def test_a_question_inside_another_is_not_taken_for_it() -> None:
    index = QuestionIndex(SUMS)
    assert index.asked("Solve: 17 + 1 = ? Think.") == Asked((1,), certain=False)
    assert index.asked("Solve: 7 + 1 = ? Think.").rows == (0,)
    assert index.asked("Solve: 117 + 1 = ?").rows == ()
    long = index.asked("User: What is $x$ where $x + 1 = 3$, as a decimal number, please? Go.")
    assert long == Asked((2,), certain=True)


def test_a_prompt_with_two_questions_and_questions_that_two_rows_share() -> None:
    assert QuestionIndex(SUMS).asked("17 + 1 = ? 18. And 7 + 1 = ?").rows == (1, 0)
    assert QuestionIndex(["a b c", "d", "a b c"]).asked("a b c").rows == (0, 2)
    assert QuestionIndex(["", "d"]).asked("nothing here").rows == ()
