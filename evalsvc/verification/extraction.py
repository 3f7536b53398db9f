"""Where in a response the answer stands.

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
    """Which marks besides the box hold an answer.

    Attributes:
        answer_tag: `<answer>X</answer>` counts as well (the medical set); the later mark wins.
        phrase: "the answer is ..." is read where there is neither. Off for every benchmark by
            default, because it reads prose; verdicts that come from it carry the rule `phrase`.
    """

    answer_tag: bool = False
    phrase: bool = False


@dataclass(frozen=True, slots=True)
class Extraction:
    """The answer found, or `text` None and in `rule` why there is none."""

    text: str | None
    span: tuple[int, int] | None
    rule: str


_BOX_ONLY = ExtractionPolicy()


def extract(response: str, policy: ExtractionPolicy = _BOX_ONLY) -> Extraction:
    """Find the answer. Spans count characters of `response`."""
    start, end = _outside_thinking(response)
    span, unclosed = _last_box(response, start, end)
    rule = "box"
    if policy.answer_tag:
        tag = _last_tag(response, start, end)
        # the later mark counts, and of two that enclose each other the inner one
        if tag is not None and (span is None or tag[1] > span[1] or tag[0] >= span[0]):
            span, rule = tag, "answer tag"
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
    """The range after the last closed thinking and before a thinking that never closes."""
    if "<" not in response:
        return 0, len(response)
    start, opened = 0, None
    for mark in _THINK.finditer(response):
        if mark.group(1):
            start, opened = mark.end(), None
        elif opened is None:
            opened = mark.start()
    return start, len(response) if opened is None else opened


def _last_box(text: str, start: int, end: int) -> tuple[tuple[int, int] | None, bool]:
    """Span of the content of the last complete outermost box, and whether a box stayed open."""
    boxes: list[tuple[int, int] | int] = []  # spans; where a box without braces was, its end
    stack: list[int] = []  # content starts of open boxes; -1 for an ordinary brace
    found = [at for at in (text.find("\\boxed", start), text.find("\\fbox", start)) if at >= 0]
    if not found:
        return None, False
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
    return _last_complete(text, boxes, end), any(opened >= 0 for opened in stack)


def _last_complete(
    text: str, boxes: list[tuple[int, int] | int], end: int
) -> tuple[int, int] | None:
    """From the back: a box without braces is read only where no later one counts."""
    for box in reversed(boxes):
        span = _braceless(text, box, end) if isinstance(box, int) else box
        if span is not None:
            return span
    return None


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
