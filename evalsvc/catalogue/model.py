"""The contents of `benchmark.yaml`, and loaded problems.

Everything here is frozen and validated on construction; nothing here does I/O. Unknown keys are
refused, so that `evalsvc benchmarks check` finds typing errors in a benchmark's folder.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evalsvc.catalogue.errors import UnknownName

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Slug = Annotated[str, Field(pattern=NAME_PATTERN)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Paths = tuple[str, ...]  # alternatives; the first one present in a record is used
NAMED_PROTOCOLS = ("paper", "quick", "greedy", "official")


class Described(BaseModel):
    """Base of everything that is read from YAML."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Licence(Described):
    """The license of the data, and whether they may be redistributed."""

    name: str = Field(min_length=1)
    redistributable: bool
    source: str = ""
    note: str = ""


class Hub(Described):
    """A data set repository on the Hugging Face hub."""

    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")  # None: not known
    files: tuple[str, ...] = Field(min_length=1)  # patterns of what is downloaded


class Prompt(Described):
    """A prompt template. Placeholders: {{question}}, {{choices}} and the names of further `texts`;
    lines that they leave empty are removed.

    `user_choice` is used for problems that have choices, `user` for all others. `choice` formats
    one option; options that are only letters name parts of the picture and are listed only where
    `list_letter_choices` says so.
    """

    user: str = Field(min_length=1)
    user_choice: str | None = None
    system: str | None = None
    choice: str = "({letter}) {text}"
    list_letter_choices: bool = False
    extraction: Literal["box", "answer_tag"] = "box"
    source: str = ""

    @property
    def hash(self) -> str:
        """Identity of the prompt: 16 hexadecimal digits over everything that reaches the model."""
        content = self.model_dump(mode="json", exclude={"source"})
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]


class FieldMap(Described):
    """Where each field is in a source record: dotted paths, each with optional `| transform`s."""

    question: Paths
    gold: Paths
    id: Paths = ()
    choices: Paths = ()
    letter: Paths = ()
    images: Paths = ()  # names of pictures below the source's folder, or embedded pictures
    embedded: Paths = ()  # embedded pictures, where `images` only names them
    cluster: Paths = ()
    level: Paths = ()
    subject: Paths = ()
    question_type: Paths = ()
    texts: Mapping[str, Paths] = Field(default_factory=dict)  # further texts for prompts
    metadata: Mapping[str, Paths] = Field(default_factory=dict)  # for reading and for parts


class RowSet(Described):
    """One file's worth of problems, with the hash that decides whether it is the right one.

    `files` are patterns below the folder that a user names; `bundled` is a JSONL in this folder.
    `sha256` None means that no hash is recorded yet: data are accepted as unpinned.
    """

    rows: int = Field(ge=1)
    sha256: Sha256 | None = None
    files: tuple[str, ...] = ()
    bundled: str | None = Field(default=None, pattern=r"^[\w.-]+\.jsonl$")
    reader: str | None = None
    fields: FieldMap
    expect: Mapping[str, str] = Field(default_factory=dict)  # metadata each row should have
    image_search: Literal["path", "name"] = "path"
    hub: Hub | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> "RowSet":
        if bool(self.files) == bool(self.bundled):
            raise ValueError("give either `files` (patterns) or `bundled` (a JSONL in this folder)")
        if self.bundled and self.fields.images:
            raise ValueError("a bundled set has text only; name its pictures' source under `files`")
        for pattern in map(PurePosixPath, self.files):
            if not pattern.parts or pattern.is_absolute() or ".." in pattern.parts:
                raise ValueError(f"the pattern '{pattern}' does not stay below a user's folder")
        return self


class Part(Described):
    """A part selected as NAME:PART: a whole set, some of its rows, or another form of it."""

    set: Slug
    where: Mapping[str, str] = Field(default_factory=dict)  # metadata that a row must have
    form: Literal["value", "letter"] | None = None  # None: golds as in the source
    title: str = ""
    rows: int | None = None
    distribution: Literal["in-distribution", "out-of-distribution"] | None = None
    text_only: bool = False


class ProtocolDefaults(Described):
    """What a named protocol means for this benchmark, where it differs from the general one."""

    prompt: str | None = None
    samples: int | None = Field(default=None, ge=1)
    ks: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    max_tokens: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _enough_samples(self) -> "ProtocolDefaults":
        if self.ks and self.samples is not None and max(self.ks) > self.samples:
            raise ValueError(f"k = {max(self.ks)} needs at least as many samples")
        return self


class Overlap(Described):
    """Rows that are known, or likely, to be in some training data."""

    training_set: str
    where: Mapping[str, str]
    note: str = ""


class Benchmark(Described):
    """One folder of the catalogue. `part` is the requested part, if any."""

    name: Slug
    title: str
    description: str
    modality: Literal["text", "image"]
    licence: Licence
    homepage: str = ""
    paper: str = ""
    sets: Mapping[Slug, RowSet] = Field(min_length=1)
    parts: Mapping[Slug, Part] = Field(min_length=1)
    default_part: Slug
    prompts: Mapping[str, Prompt] = Field(min_length=1)
    default_prompt: str
    protocols: Mapping[str, ProtocolDefaults] = Field(default_factory=dict)
    golds_by: Literal["id", "cluster"] = "id"  # what the keys of golds.yaml name
    overlaps: tuple[Overlap, ...] = ()
    quirks: tuple[str, ...] = ()
    folder: Path = Field(exclude=True)
    part: Slug | None = None

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> "Benchmark":
        if self.default_part not in self.parts:
            raise ValueError(f"default_part {self.default_part!r} is not one of the parts")
        if self.default_prompt not in self.prompts:
            raise ValueError(f"default_prompt {self.default_prompt!r} is not one of the prompts")
        for name, part in self.parts.items():
            if part.set not in self.sets:
                raise ValueError(f"part {name!r} refers to the set {part.set!r}, which is missing")
        for name, protocol in self.protocols.items():
            if name not in NAMED_PROTOCOLS:
                raise ValueError(f"protocol {name!r} is none of {', '.join(NAMED_PROTOCOLS)}")
            if protocol.prompt is not None and protocol.prompt not in self.prompts:
                raise ValueError(
                    f"protocol {name!r} refers to an unknown prompt {protocol.prompt!r}"
                )
        return self

    @property
    def full_name(self) -> str:
        """NAME or NAME:PART, as in a submission."""
        return f"{self.name}:{self.part}" if self.part else self.name

    @property
    def selected(self) -> Part:
        return self.parts[self.part or self.default_part]

    @property
    def needs_images(self) -> bool:
        """Whether a text-only model must be refused for the requested part."""
        return self.modality == "image" and not self.selected.text_only

    def prompt_name(self, asked: str = "default", protocol: str = "") -> str:
        """The name of the prompt that `asked` refers to, under a named protocol."""
        if asked == "default":
            return (
                self.protocols.get(protocol) or ProtocolDefaults()
            ).prompt or self.default_prompt
        if asked not in self.prompts:
            raise UnknownName(
                f"The benchmark {self.name!r} has no prompt {asked!r}.",
                f"It has: {', '.join(self.prompts)}; `default` means {self.default_prompt!r}.",
            )
        return asked

    def prompt(self, asked: str = "default", protocol: str = "") -> Prompt:
        return self.prompts[self.prompt_name(asked, protocol)]


@dataclass(frozen=True)
class ImageRef:
    """A picture of a problem. `path` is None if the added data lack it."""

    row: str
    name: str
    path: Path | None = None
    root: Path | None = None  # the folder that `path` must be in
    pixels: str | None = None  # sha256 of the decoded pixels, see images.pixel_hash
    problem: str = ""  # why it cannot be used


@dataclass(frozen=True)
class Problem:
    """One problem, ready for prompting and judging. `index` counts from 0 within the dataset."""

    index: int
    id: str
    question: str
    gold: str
    kind: str | None = None
    choices: tuple[str, ...] | None = None
    images: tuple[ImageRef, ...] = ()
    cluster: str = ""
    level: str | None = None
    subject: str | None = None
    part: str | None = None
    question_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """The problems of a benchmark or of one of its parts; `problems[i].index == i` always.

    `revision` is the content hash of these rows and of the pictures present. Overrides of choices
    are part of it, because they are in the prompt; overrides of golds and kinds are not, because
    they change verdicts only.
    """

    benchmark: Benchmark
    problems: tuple[Problem, ...]
    revision: str
    pinned: bool  # the texts were checked against a hash that the catalogue records

    def __len__(self) -> int:
        return len(self.problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    @cached_property
    def by_id(self) -> Mapping[str, Problem]:
        return {problem.id: problem for problem in self.problems}

    @property
    def missing_images(self) -> tuple[ImageRef, ...]:
        """Pictures that are missing or were found unusable when the data were added."""
        return tuple(i for p in self.problems for i in p.images if i.path is None)

    def overlap(self, problem: Problem) -> str | None:
        """The first training set whose source this problem comes from, of those recorded."""
        found = (
            o.training_set for o in self.benchmark.overlaps if matches(problem.metadata, o.where)
        )
        return next(found, None)


@dataclass(frozen=True)
class TextPart:
    text: str


@dataclass(frozen=True)
class ImagePart:
    image: ImageRef


@dataclass(frozen=True)
class Message:
    """One turn of a chat: its role and the parts of its content in order."""

    role: Literal["system", "user"]
    content: tuple[TextPart | ImagePart, ...]

    @property
    def text(self) -> str:
        return "".join(p.text for p in self.content if isinstance(p, TextPart))

    @property
    def images(self) -> tuple[ImageRef, ...]:
        return tuple(p.image for p in self.content if isinstance(p, ImagePart))


def matches(metadata: Mapping[str, str], where: Mapping[str, str]) -> bool:
    return all(metadata.get(key) == value for key, value in where.items())


def canonical_json(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, no escapes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
