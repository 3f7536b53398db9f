"""From a source's record to our fields: dotted paths and a closed list of named transforms.

A field is described as `path | transform | transform`. A path walks dictionaries by key and lists
by number. Nothing is evaluated: a transform is a name in TRANSFORMS.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from evalsvc.catalogue.errors import CatalogueError
from evalsvc.catalogue.model import LETTERS, Paths

_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])")
_IMAGE_TAG = re.compile(r"^\s*<image>\s*")
_CHOICES = re.compile(r"\n\s*Choices?:\s*\n(?P<options>.*)\Z", re.DOTALL)
_OPTION = re.compile(r"^\s*(?P<letter>[A-Z])\s*[:.]\s*(?P<text>.*)$")


def last_box(text: str) -> str:
    r"""Content of the last `\boxed{...}` or `\fbox{...}`, braces balanced; also `\boxed 7`.

    Raises CatalogueError when there is none: a worked solution without a boxed answer has no gold.
    """
    boxes = list(_BOX.finditer(text))
    if not boxes:
        raise CatalogueError("The solution contains no \\boxed answer.")
    body = text[boxes[-1].end() :].lstrip()
    if not body.startswith("{"):
        return body.split("$", 1)[0].strip()
    depth = 0
    for position, character in enumerate(body):
        if character in "{}" and (position == 0 or body[position - 1] != "\\"):
            depth += 1 if character == "{" else -1
        if depth == 0:
            return body[1:position].strip()
    raise CatalogueError("The last \\boxed of the solution is never closed.")


def plain_number(value: Any) -> str:
    """Text of a number without the `.0` that a float column adds to an integer."""
    return re.sub(r"^(-?\d+)\.0+$", r"\1", str(value))


def strip_image_tag(text: str) -> str:
    """The question without the `<image>` tag at its beginning: we place the picture."""
    return _IMAGE_TAG.sub("", text)


def listed_choices(text: str) -> list[str] | None:
    """The options listed at the end of a question below a line `Choices:`; None without them.

    The list ends at the first line that is not the next letter (some sources have stray page
    numbers there).
    """
    match = _CHOICES.search(text)
    options: list[str] = []
    for line in match["options"].strip("\n").split("\n") if match else ():
        option = _OPTION.match(line)
        if option is None or option["letter"] != LETTERS[len(options) :][:1]:
            break
        options.append(option["text"].strip())
    return options or None


TRANSFORMS: Mapping[str, Callable[[Any], Any]] = {
    "last_box": last_box,
    "plain_number": plain_number,
    "strip_image_tag": strip_image_tag,
    "listed_choices": listed_choices,
}


def check_paths(paths: Paths) -> list[str]:
    """Names of transforms that do not exist."""
    names = [name.strip() for path in paths for name in path.split("|")[1:]]
    return [name for name in names if name not in TRANSFORMS]


def take(record: Mapping[str, Any], paths: Paths) -> Any:
    """The value at the first path that the record has, transformed; None when it has none."""
    for path in paths:
        steps, *transforms = (part.strip() for part in path.split("|"))
        value = _walk(record, steps)
        if value is None:
            continue
        for name in transforms:
            if name not in TRANSFORMS:
                raise CatalogueError(f"{name!r} is none of {', '.join(TRANSFORMS)}.")
            value = TRANSFORMS[name](value)
        if value is not None:
            return value
    return None


def _walk(value: Any, steps: str) -> Any:
    for step in steps.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
