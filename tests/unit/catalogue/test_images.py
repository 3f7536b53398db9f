"""Pictures that nobody has vetted."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from evalsvc.catalogue import ImageError, ImageRef, load_image, pixel_hash
from evalsvc.catalogue.images import decode


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(content: bytes) -> Image.Image:
    return decode(content, row="7", name="a.png")


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    image = read(encoded(Image.new(mode, (5, 3)), kind))
    assert (image.mode, image.size) == ("RGB", (5, 3))


def test_sixteen_bits_keep_their_brightness() -> None:
    grey = Image.new("I;16", (2, 2), 0x8000)
    assert read(encoded(grey, "PNG")).getpixel((0, 0)) == (128, 128, 128)


def test_transparency_is_white() -> None:
    assert read(encoded(Image.new("RGBA", (2, 2), (0, 0, 0, 0)), "PNG")).getpixel((0, 0)) == (
        255,
        255,
        255,
    )


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read(content).getpixel((0, 0)) == (255, 0, 0)


def test_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read(encoded(Image.new("RGB", (10, 4)), "JPEG", exif=exif)).size == (4, 10)


@pytest.mark.parametrize("size", [(20_000, 20_000), (8_000, 8_000), (2**31 - 1, 2**31 - 1)])
def test_a_huge_picture_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match=r"Problem 7: .*(over|large|broken)"):
        read(png_header(*size))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        png_header(0, 0),
        png_header(50, 50),
        encoded(Image.new("RGB", (64, 64), "red"), "JPEG")[:300],
        encoded(Image.effect_noise((64, 64), 50), "PNG")[:-700],
    ],
    ids=["empty", "text", "postscript", "no size", "short data", "cut JPEG", "cut PNG"],
)
def test_a_broken_picture_names_its_row(content: bytes) -> None:
    with pytest.raises(ImageError, match=r"Problem 7: the picture a\.png") as caught:
        read(content)
    assert caught.value.row == "7"


def test_one_fewer_pixel_allowed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(encoded(Image.new("RGB", (10, 10)), "PNG"))
    ref = ImageRef("7", "a.png", path, tmp_path)
    assert load_image(ref, max_pixels=100).size == (10, 10)
    with pytest.raises(ImageError, match="10 x 10 pixels, over 99"):
        load_image(ref, max_pixels=99)
    with pytest.raises(ImageError, match="bytes, over 10"):
        load_image(ref, max_bytes=10)


def test_a_reference_must_lie_in_its_folder(tmp_path: Path) -> None:
    outside = tmp_path / "secret.png"
    outside.write_bytes(encoded(Image.new("RGB", (2, 2)), "PNG"))
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    for path in (outside, folder / "link", folder / ".." / "secret.png"):
        with pytest.raises(ImageError, match="leads out"):
            load_image(ImageRef("7", "a.png", path, folder))
    with pytest.raises(ImageError, match="cannot be read"):
        load_image(ImageRef("7", "a.png", folder / "gone", folder))


def test_a_missing_picture_says_so() -> None:
    with pytest.raises(ImageError, match=r"Problem 7: the picture a\.png is missing"):
        load_image(ImageRef("7", "a.png"))


def test_the_hash_is_of_pixels_not_of_files() -> None:
    image = Image.effect_noise((9, 7), 40).convert("RGB")
    kept = {pixel_hash(read(encoded(image, kind))) for kind in ("PNG", "BMP", "TIFF")}
    assert len(kept) == 1
    assert pixel_hash(image.rotate(180)) not in kept
    assert pixel_hash(Image.new("RGB", (2, 3))) != pixel_hash(Image.new("RGB", (3, 2)))
