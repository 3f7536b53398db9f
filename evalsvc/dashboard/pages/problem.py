"""`/evaluations/{id}/rows/{row}`: the problem, and every response with its verdict."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from evalsvc.catalogue import ImageRef
from evalsvc.dashboard.limits import MAX_MARKS
from evalsvc.dashboard.pages.sample_masks import FILTERS, SampleMark, choose, marks_of
from evalsvc.dashboard.rendering import mathematics, text
from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest, Pages
from evalsvc.dashboard.web.problem_source import ShownProblem, find_shown_problem, row_of
from evalsvc.errors import NotFound, StorageError
from evalsvc.services.evaluations import samples as service
from evalsvc.services.evaluations.samples import SampleView, runs_of
from evalsvc.services.evaluations.views import EvaluationSummary, counts_of, summarise
from evalsvc.store.models import Evaluation, Problem
from evalsvc.store.repositories import evaluations, problems, results

PAGE_SIZE = 10


@dataclass(frozen=True)
class ProblemModel:
    """A problem's result with one page of its samples."""

    evaluation: EvaluationSummary
    problem: int
    problem_id: str
    subject: str | None
    level: str | None
    question: str | None
    gold: str | None
    kind: str | None
    choices: tuple[str, ...]
    images: int
    images_here: tuple[int, ...]  # the positions of those that can be shown
    not_here: str  # why the problem's text is not shown
    prompt: list[dict[str, Any]]
    n: int
    c: int
    error: str | None
    samples: list[SampleView]
    missing: str  # why responses of this page are not shown
    pages: Pages
    previous: int | None
    following: int | None


def build(request: PageRequest) -> Page:
    """Build the page. Raises NotFound."""
    session = request.session
    evaluation = evaluations.get(session, request.part("evaluation"))
    index, problem_id = row_of(session, evaluation, request.part("row"))
    result = results.get(session, evaluation.id, index)
    marks = marks_of(result) if result is not None else []
    which = request.choice("show", dict(FILTERS), "all")
    reached = _by_convention(request, evaluation, index)
    wanted = choose(marks, which, reached)
    pages = _pages(request, wanted)
    shown = [mark.sample for mark in pages.slice(wanted)]
    prompt, found, missing = _read(request, evaluation, index, shown)
    question = find_shown_problem(request.state, evaluation, index)
    previous, following = _neighbours(request, evaluation, index)
    model = ProblemModel(
        evaluation=summarise(evaluation),
        problem=index,
        problem_id=problem_id,
        prompt=prompt,
        n=result.n if result else 0,
        c=result.c if result else 0,
        error=result.error if result else None,
        samples=found,
        missing=missing,
        pages=pages,
        previous=previous,
        following=following,
        **_question(problems.get(session, evaluation.revision_id, index), question),
    )
    raw = request.choice("as", ("rendered", "raw"), "rendered") == "raw"
    return Page(
        template="problem.html",
        title=f"{problem_id} · {model.evaluation.run} @{model.evaluation.step}",
        model=model,
        table=_table(model),
        extras={
            "which": which,
            "filters": _filters(marks, reached),
            "raw": raw,
            "marks": marks[:MAX_MARKS],
            "marks_hidden": max(0, len(marks) - MAX_MARKS),
            "shown": set(shown),
            "open_sample": _open_sample(request, shown, marks),
            "first_wrong": next((m.sample for m in marks if m.verdict == "wrong"), None),
            "body": lambda sample: body(sample, raw=raw),
        },
    )


def body(sample: SampleView, *, raw: bool) -> Markup:
    """A response for display: its answer marked, the middle of a very long one left out."""
    show = text.visible if raw else mathematics.render
    cut = text.excerpt(sample.response)
    head = show(cut.head, sample.span)
    if not cut.left_out:
        return head
    tail_from = len(sample.response) - len(cut.tail)
    return Markup('{}<span class="left-out">{} characters are left out here</span>{}').format(
        head, f"{cut.left_out:,}", show(cut.tail, text.shifted(sample.span, tail_from))
    )


def _pages(request: PageRequest, wanted: list[SampleMark]) -> Pages:
    """The requested page, or the one with the requested sample."""
    pages = request.pages(len(wanted), PAGE_SIZE)
    asked = request.number("sample", -1, low=-1)
    for position, mark in enumerate(wanted):
        if mark.sample == asked:
            return Pages(position // PAGE_SIZE + 1, PAGE_SIZE, len(wanted))
    return pages


def _read(
    request: PageRequest, evaluation: Evaluation, row: int, shown: list[int]
) -> tuple[list[dict[str, Any]], list[SampleView], str]:
    """(prompt, samples, reason if there are none). A lost transcript must not fail the page."""
    prompt: list[dict[str, Any]] = []
    found: list[SampleView] = []
    try:
        for first, many in runs_of(shown):
            read = service.read_samples(
                request.session,
                request.state.artifacts,
                evaluation,
                row,
                start=first,
                limit=many,
            )
            prompt = prompt or read.prompt
            found.extend(read.samples)
    except NotFound as error:
        return prompt, found, str(error)
    if shown and not found:
        reason = "This evaluation has counts only: its responses were never given to this server."
        return prompt, found, reason
    return prompt, found, ""


def _question(row: Problem | None, question: ShownProblem) -> dict[str, Any]:
    problem = question.problem
    images = problem.images if problem else ()
    return {
        "subject": row.subject if row else None,
        "level": row.level if row else None,
        "question": problem.question if problem else None,
        "gold": problem.gold if problem else None,
        "kind": problem.kind if problem else None,
        "choices": tuple(problem.choices or ()) if problem else (),
        "images": len(images),
        "images_here": tuple(i for i, image in enumerate(images) if _is_here(image)),
        "not_here": question.reason,
    }


def _is_here(image: ImageRef) -> bool:
    return image.path is not None and image.path.is_file() and not image.problem


def _neighbours(
    request: PageRequest, evaluation: Evaluation, index: int
) -> tuple[int | None, int | None]:
    """The problems before and after this one in the benchmark's order."""
    numbers = counts_of(request.session, request.state.memo, evaluation).problems
    before, after = numbers[numbers < index], numbers[numbers > index]
    return (
        int(before[-1]) if before.size else None,
        int(after[0]) if after.size else None,
    )


def _by_convention(request: PageRequest, evaluation: Evaluation, row: int) -> frozenset[int]:
    """The samples judged by convention, kept by the evaluation's version; none if lost."""
    session, state = request.session, request.state

    def read() -> frozenset[int]:
        found = service.samples_of_kind(session, state.artifacts, evaluation, row, "convention")
        return frozenset(found)

    try:
        return state.memo.get(("by convention", evaluation.id, evaluation.version, row), read)
    except (NotFound, StorageError):  # the page says below why responses are not shown
        return frozenset()


def _filters(marks: list[SampleMark], by_convention: frozenset[int]) -> list[tuple[str, str]]:
    """The filters with how many samples each would show; empty ones are left out."""
    counted = [(value, name, len(choose(marks, value, by_convention))) for value, name in FILTERS]
    return [(value, f"{name} {count}") for value, name, count in counted if count or value == "all"]


def _open_sample(request: PageRequest, shown: list[int], marks: list[SampleMark]) -> int | None:
    """The requested sample, else the first wrong one on the page, else the first one."""
    asked = request.number("sample", -1, low=-1)
    if asked in shown:
        return asked
    wrong = {mark.sample for mark in marks if mark.verdict == "wrong"}
    return next((number for number in shown if number in wrong), shown[0] if shown else None)


def _table(model: ProblemModel) -> PageTable:
    columns = (
        "sample",
        "verdict",
        "correct",
        "rule",
        "confidence",
        "extracted",
        "finish_reason",
        "output_tokens",
        "verifier",
        "verify_ms",
        "response",
    )
    return PageTable(columns, [[getattr(s, name) for name in columns] for s in model.samples])
