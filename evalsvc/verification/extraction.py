"""Find the answer in a response.

The answer is the content of the last complete `\\boxed{}` or `\\fbox{}` outside the thinking. The
reasoning is never searched for numbers or letters. Time is linear in the length of the response,
whatever it holds.
"""

import re
from dataclasses import dataclass

# begins with a set of characters, so that the search skips all others at the speed of C; a run of
# backslashes is taken whole (`*+`), or a long one would be read again from each of its characters
_SCAN = re.compile(
    r"[{}\\](?:(?<=\\)(?:\\\\)*+(?:\\?(?:boxed|fbox)(?![A-Za-z])\s*+(?P<open>\{)?|.))?",
    re.DOTALL,
)
_BRACELESS = re.compile(
    r"(?:[-+]?(?:\d|\.\d|\\(?!boxed|fbox|[)\]])[A-Za-z$%]+)[^\s$]{0,5000}|[A-Za-z](?![A-Za-z])|[(\[][^\s$]{1,5000})"
)
_TAG = re.compile(r"<(/?)answer>", re.IGNORECASE)
_THINK = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
_PHRASE = re.compile(r"answer is\b:?", re.IGNORECASE)
_PHRASE_END = re.compile(r"\.(?=\s|$)|\n|$")
_PHRASE_LONGEST = 400


@dataclass(frozen=True, slots=True)
class ExtractionPolicy:
    """Which marks besides the box may hold the answer.

    Attributes:
        answer_tag: `<answer>X</answer>` counts as well (the medical set); the later mark wins.
        phrase: "the answer is ..." is read if there is neither. Off for every benchmark by default,
            because it reads prose; verdicts reached by it have the rule `phrase`.
        join_boxes: for a gold that is a list or a set, the boxes of the last sentence that has any
            are one answer (`\\boxed{2}` and `\\boxed{3}` for `2,3`), unless one repeats another.
    """

    answer_tag: bool = False
    phrase: bool = False
    join_boxes: bool = True


@dataclass(frozen=True, slots=True)
class Extraction:
    """The answer found. If there is none, `text` is None and `rule` gives the reason."""

    text: str | None
    span: tuple[int, int] | None
    rule: str


#: The rule of an answer that is spread over several boxes.
JOINED = "boxes joined"
_BOXES_MOST = 30
_BETWEEN_LONGEST = 80
_BETWEEN = re.compile(
    r"\}?[\s$,;]*(?:\\[,;! ]|\\q?quad|\\\)|\\\]|\s)*[,;]?\s*(?:and|\\text\s*\{\s*and\s*\}|和)?"
    r"(?:[\s$]|\\[,;! ]|\\q?quad|\\\(|\\\[)*(?:[A-Za-z](?:_\{?\d\}?)?\s*=\s*)?\\f?box(?:ed)?\s*\{?"
)
_BOX_ONLY = ExtractionPolicy()


def extract(  # noqa: PLR0911 - one reason each
    response: str, policy: ExtractionPolicy = _BOX_ONLY, *, several: bool = False
) -> Extraction:
    """Find the answer. Spans count characters of `response`.

    `several`: the gold has several items, so that boxes may be joined where the policy says so.
    """
    start, end = _outside_thinking(response)
    spans, unclosed = _boxes(response, start, end)
    if unclosed and (spans and unclosed > spans[-1][1]):
        return Extraction(None, None, "truncated: the last box was not closed")
    span = spans[-1] if spans else None
    rule = "box"
    joined = _joined(response, spans) if several and policy.join_boxes else None
    if policy.answer_tag:
        tag = _last_tag(response, start, end)
        # the later mark counts, and of two that enclose each other the inner one
        if tag is not None and (span is None or tag[1] > span[1] or tag[0] >= span[0]):
            span, rule = tag, "answer tag"
    if joined is not None and rule == "box":
        return joined
    if span is None and policy.phrase:
        span, rule = _last_phrase(response, start, end), "phrase"
    if span is None:
        if unclosed:
            return Extraction(None, None, "truncated: the box was not closed")
        if end < len(response):
            return Extraction(None, None, "truncated: the thinking was not closed")
        return Extraction(None, None, "no box")
    text = response[span[0] : span[1]]
    if not text.strip():
        return Extraction(None, None, f"empty {rule}")
    return Extraction(text, span, rule)


def _outside_thinking(response: str) -> tuple[int, int]:
    """The range after the last closed thinking block and before one that never closes."""
    if "<" not in response:
        return 0, len(response)
    start, opened = 0, None
    for mark in _THINK.finditer(response):
        if mark.group(1):
            start, opened = mark.end(), None
        elif opened is None:
            opened = mark.start()
    return start, len(response) if opened is None else opened


def _boxes(text: str, start: int, end: int) -> tuple[list[tuple[int, int]], int]:
    """Contents of the complete outermost boxes, in order, and the start of the last open box.

    The start is 0 if no box stays open.
    """
    boxes: list[tuple[int, int] | int] = []  # spans; where a box without braces was, its end
    stack: list[int] = []  # content starts of open boxes; -1 for an ordinary brace
    found = [at for at in (text.find("\\boxed", start), text.find("\\fbox", start)) if at >= 0]
    if not found:
        return [], 0
    first = min(found)
    for mark in _SCAN.finditer(text, first, end):
        piece = mark.group()
        if piece == "{":
            stack.append(-1)
        elif piece == "}":
            opened = stack.pop() if stack else -1
            if opened >= 0:
                boxes.append((opened, mark.start()))
        elif mark.group("open"):
            stack.append(mark.end())
        elif piece.lstrip("\\").startswith(("boxed", "fbox")):
            boxes.append(mark.end())
    open_box = max((opened for opened in stack if opened >= 0), default=0)
    spans = _complete(text, boxes, end)
    ends_with_command = (
        isinstance(boxes[-1], int) and not text[boxes[-1] : end].strip() if boxes else False
    )
    return spans, end if spans and ends_with_command else open_box


def _complete(text: str, boxes: list[tuple[int, int] | int], end: int) -> list[tuple[int, int]]:
    """The last complete boxes in a row, with only a separator between neighbours.

    Boxes without braces are read only on request.
    """
    spans: list[tuple[int, int]] = []
    for box in reversed(boxes):
        span = _braceless(text, box, end) if isinstance(box, int) else box
        if span is None:
            continue
        if spans and not _next_to(text, span, spans[-1]):
            break
        spans.append(span)
        if len(spans) > _BOXES_MOST:
            break
    return spans[::-1]


def _next_to(text: str, span: tuple[int, int], following: tuple[int, int]) -> bool:
    """Whether there is only a comma, "and" or a label between two boxes."""
    between = text[span[1] : following[0]]
    return len(between) <= _BETWEEN_LONGEST and _BETWEEN.fullmatch(between) is not None


def _joined(text: str, spans: list[tuple[int, int]]) -> Extraction | None:
    """Several boxes of one sentence as one answer; None for one box or a repeated one."""
    contents = [text[start:end].strip() for start, end in spans]
    if len(contents) < 2 or not all(contents) or len(set(contents)) < len(contents):
        return None
    return Extraction(", ".join(contents), (spans[0][0], spans[-1][1]), JOINED)


def _braceless(text: str, start: int, end: int) -> tuple[int, int] | None:
    match = _BRACELESS.match(text, start, end)
    if match is None:
        return None
    content = match.group().rstrip(".,;:*")
    content = content.removesuffix("\\)").removesuffix("\\]").rstrip(".,;:*")
    return (start, start + len(content)) if content else None


def _last_tag(text: str, start: int, end: int) -> tuple[int, int] | None:
    last, opened = None, None
    for mark in _TAG.finditer(text, start, end):
        if not mark.group(1):
            opened = mark.end()
        elif opened is not None:
            last, opened = (opened, mark.start()), None
    return last


def _last_phrase(text: str, start: int, end: int) -> tuple[int, int] | None:
    last = None
    for mark in _PHRASE.finditer(text, start, end):
        last = mark.end()
    if last is None:
        return None
    while last < end and text[last] in " \t":
        last += 1
    stop = _PHRASE_END.search(text, last, min(end, last + _PHRASE_LONGEST))
    return None if stop is None or stop.start() <= last else (last, stop.start())
