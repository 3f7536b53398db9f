"""A benchmark of odd pictures: what may be wrong or strange, and what is to become of it."""

import io
import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

DESCRIPTION = """\
name: odd
title: Odd pictures
description: Problems whose pictures or texts are broken, hostile or only unusual.
modality: image
licence: {{name: Apache-2.0, redistributable: true}}
sets:
  test:
    rows: {rows}
    files: [test.jsonl]
    fields:
      id: [id]
      question: [question]
      gold: [gold]
      choices: [choices]
      images: [images]
parts:
  test: {{set: test}}
default_part: test
prompts:
  plain: {{user: "{{{{question}}}}\\n{{{{choices}}}}"}}
default_prompt: plain
"""


@dataclass(frozen=True)
class Odd:
    """One problem. `error` is a part of what is said of it, empty where it can be asked."""

    name: str
    picture: bytes
    error: str = ""
    question: str = "What is it?"
    choices: tuple[str, ...] | None = None
    gold: str = "1"


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes whose pixels, all black, would fill the memory."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


SCENE = Image.linear_gradient("L").resize((120, 80)).convert("RGB")
PLAIN = encoded(SCENE, "PNG")
ODD = (
    Odd("plain", PLAIN),
    Odd("cmyk", encoded(SCENE.convert("CMYK"), "JPEG")),
    Odd("animated", encoded(SCENE, "GIF", save_all=True, append_images=[SCENE.rotate(180)])),
    Odd("rotated by EXIF", encoded(SCENE, "JPEG", exif=_turned())),
    Odd("one pixel", encoded(Image.new("RGB", (1, 1)), "PNG")),
    Odd("large", encoded(Image.new("L", (6000, 4000)), "PNG")),
    Odd(
        "very flat",
        encoded(Image.new("RGB", (2000, 4)), "PNG"),
        "cannot take the picture",
    ),
    Odd("zero bytes", b"", "is empty"),
    Odd("corrupt", PLAIN[: len(PLAIN) // 2], "is broken"),
    Odd("no picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not one of"),
    Odd("20,000 x 20,000", bomb(20_000, 20_000), "too large"),
    Odd("bomb", bomb(9_000, 9_000), "over 50000000"),
    Odd("more placeholders than pictures", PLAIN, question="<image1> and <image2>: which?"),
    Odd("only letters", PLAIN, choices=("A", "B", "C", "D"), gold="A"),
    Odd("the model's own mark", PLAIN, "image tokens", question="<|image_pad|> what?"),
)


def write_odd_benchmark(catalogue: Path, source: Path) -> Path:
    """The benchmark's folder below `catalogue`; its data are written to `source`."""
    folder = catalogue / "odd"
    folder.mkdir(parents=True)
    (folder / "benchmark.yaml").write_text(DESCRIPTION.format(rows=len(ODD)))
    (source / "images").mkdir(parents=True)
    records = []
    for number, odd in enumerate(ODD):
        (source / "images" / f"{number}.png").write_bytes(odd.picture)
        record = {
            "id": odd.name, "question": odd.question, "gold": odd.gold,
            "choices": odd.choices, "images": [f"images/{number}.png"],
        }  # fmt: skip
        records.append(json.dumps(record))
    (source / "test.jsonl").write_text("\n".join(records) + "\n")
    return folder
