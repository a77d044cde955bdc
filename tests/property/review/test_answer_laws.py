"""Laws of answers, whatever comes in."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.review.answers import VERDICTS, LabelAnswer, content_hash, judged

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FORM = st.sampled_from(
    [{"kind": "judgement", "error_types": ["outdated"]}, {"kind": "choice", "options": ["true", "false"]}]
)
BLIND = st.sampled_from(["none", "score", "answer"])
ANSWER = st.builds(
    LabelAnswer,
    verdict=st.sampled_from([*VERDICTS, None]) | ANYTHING,
    output=st.sampled_from([None, "true", "false"]) | ANYTHING,
    error_types=st.lists(st.sampled_from(["outdated"]) | ANYTHING, max_size=2).map(tuple),
    note=ANYTHING,
    answers=st.dictionaries(st.text(max_size=5), ANYTHING, max_size=2) | ANYTHING,
    seconds=ANYTHING,
)


def refused(call: Callable[[], object]) -> tuple[FieldProblem, ...]:
    try:
        call()
    except Invalid as invalid:
        return invalid.problems
    return ()


@given(ANSWER, FORM, BLIND, ANYTHING, st.booleans())
def test_every_answer_is_judged_or_refused_with_pointers(answer, form, blind, model_output, revealed) -> None:
    rules = {"form": form, "blind": blind, "model_output": model_output, "revealed": revealed}
    problems = refused(lambda: judged(answer, **rules))
    assert all(problem.pointer.startswith("/") for problem in problems)
    if not problems:
        assert judged(answer, **rules).verdict in VERDICTS


@given(ANSWER)
def test_every_answer_has_a_hash_or_is_refused(answer) -> None:
    assert refused(lambda: content_hash(answer)) or len(content_hash(answer)) == 32


@given(st.sampled_from(["true", "false"]), st.sampled_from(["true", "false", " True"]))
def test_blind_comparison_agrees_exactly_when_the_option_is_the_same(own, model_output) -> None:
    form = {"kind": "choice", "options": ["true", "false"]}
    said = judged(LabelAnswer(None, output=own), form=form, blind="answer", model_output=model_output)
    assert (said.verdict == "correct") == (own == model_output.strip().lower())
