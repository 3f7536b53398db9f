"""The limits on pictures, the same for every engine: how many a problem may have, and how large.

A picture above the limit is made smaller, with its proportions, as soon as it is decoded; so
nothing later ever holds a larger one. The limit is an engine option and thereby part of an
evaluation's identity: a smaller picture is another question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any

from evalsvc.errors import UsageError
from evalsvc.worker.engines.base import RequestRefused

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_OPTIONS: Mapping[str, type] = {"max_pixels": int, "max_images": int}
MAX_PIXELS = 16_384 * 28 * 28  # where Qwen2.5-VL's own processor stops as well
MAX_IMAGES = 8
LEAST_PIXELS = 28 * 28


@dataclass(frozen=True)
class PictureLimits:
    """At most `images` pictures in one problem, each of at most `pixels` (width x height)."""

    pixels: int = MAX_PIXELS
    images: int = MAX_IMAGES

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> "PictureLimits":
        """The limits among an engine's options. Raises UsageError where one makes no sense."""
        limits = cls(options.get("max_pixels", MAX_PIXELS), options.get("max_images", MAX_IMAGES))
        if limits.pixels < LEAST_PIXELS or limits.images < 1:
            raise UsageError(
                f"The engine cannot see with max_pixels {limits.pixels} and max_images "
                f"{limits.images}.",
                f"Give at least {LEAST_PIXELS} pixels and one picture, or leave them out.",
            )
        return limits

    @property
    def side(self) -> int:
        """Side in pixels of the largest square that is within the limit."""
        return isqrt(self.pixels)

    def check_count(self, count: int) -> None:
        """Raises RequestRefused for more pictures than a problem may have."""
        if count > self.images:
            raise RequestRefused(
                f"The problem has {count} pictures, the engine takes {self.images}.",
                'Give engine_options {"max_images": ...}.',
            )

    def shrunk(self, image: "Image") -> "Image":
        """The picture itself, or a smaller one of the same proportions."""
        area = image.width * image.height
        if area <= self.pixels:
            return image
        from PIL.Image import Resampling

        scale = (self.pixels / area) ** 0.5
        size = max(1, int(image.width * scale)), max(1, int(image.height * scale))
        return image.resize(size, Resampling.BICUBIC)


def check_places(tokens: Sequence[int], image_token: int | None, images: int) -> None:
    """A problem's text may not hold the model's own mark for a picture.

    Engines trust that the marks in a prompt are as many as its pictures: with more of them they
    compute nonsense or die. Raises RequestRefused.
    """
    if image_token is not None and (found := tokens.count(image_token)) != images:
        raise RequestRefused(
            f"The prompt has {found} places for pictures, but {images} pictures.",
            "Does the problem's text hold the model's own mark for a picture?",
        )
