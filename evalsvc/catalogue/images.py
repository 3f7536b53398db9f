"""Decoding untrusted pictures: bounded in bytes and pixels, checked from the header first.

A picture is decoded to RGB with its EXIF rotation applied, transparency on white, and only the
first frame of an animation. Any fault raises an ImageError that names its row. Only the raster
formats of FORMATS are tried: no PostScript, no external program.
"""

import hashlib
import io
import warnings
from typing import TYPE_CHECKING

from evalsvc.catalogue.errors import ImageError
from evalsvc.catalogue.limits import MAX_PICTURE_BYTES, MAX_PIXELS
from evalsvc.catalogue.model import ImageRef

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")


def load_image(
    ref: ImageRef, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_PICTURE_BYTES
) -> "Image":
    """The picture of a problem, decoded to RGB.

    `max_pixels` bounds width x height and is checked before anything is decoded. Raises
    ImageError when the picture is missing, broken, empty, too large or outside its folder.
    """
    if ref.path is None:
        raise ImageError(
            ref.row,
            ref.problem or f"the picture {ref.name} is missing.",
            "Add the data again from a folder that has it.",
        )
    if ref.root is None or not ref.path.resolve().is_relative_to(ref.root.resolve()):
        raise ImageError(ref.row, f"the picture {ref.name} leads out of the data folder.")
    try:
        size = ref.path.stat().st_size
        if size > max_bytes:
            raise ImageError(ref.row, f"the picture {ref.name} has {size} bytes, over {max_bytes}.")
        content = ref.path.read_bytes()
    except OSError as error:
        raise ImageError(
            ref.row,
            f"the picture {ref.name} cannot be read: {error.strerror}.",
            "Add the data again.",
        ) from error
    return decode(content, row=ref.row, name=ref.name, max_pixels=max_pixels)


def decode(content: bytes, *, row: str, name: str, max_pixels: int = MAX_PIXELS) -> "Image":
    """RGB picture from the bytes of a file. Raises ImageError; the module describes the result."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImageError(
            row, "pictures need Pillow.", 'Install it: pip install "evalsvc[server]"'
        ) from error
    if not content:
        raise ImageError(row, f"the picture {name} is empty (0 bytes).")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own bound is below
        try:
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            width, height = image.size
            if width * height > max_pixels:
                raise ImageError(
                    row,
                    f"the picture {name} has {width} x {height} pixels, over {max_pixels}.",
                    "Make it smaller.",
                )
            image.seek(0)
            image.load()
            return _on_white(ImageOps.exif_transpose(image))
        except Image.DecompressionBombError as error:
            raise ImageError(row, f"the picture {name} is too large to be decoded.") from error
        except UnidentifiedImageError as error:
            raise ImageError(
                row, f"the picture {name} is not one of {', '.join(FORMATS)}."
            ) from error
        except ImageError:
            raise
        except Exception as error:  # a hostile file can make decoders raise anything
            raise ImageError(row, f"the picture {name} is broken: {error}.") from error


def _on_white(image: "Image") -> "Image":
    """RGB; transparent parts become white, the background that diagrams expect."""
    from PIL import Image  # noqa: PLC0415 - an extra

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    if image.mode.startswith("I;16") or image.mode == "I":
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    return image.convert("RGB")


def pixel_hash(image: "Image") -> str:
    """sha256 of size and RGB pixels: the same for every file format that keeps the pixels."""
    digest = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()
