"""The limits on images, the same for every engine: how many per problem, and how large.

An image above the limit is scaled down, keeping its proportions, as soon as it is decoded, so
nothing later holds a larger one. The limit is an engine option and thus part of an evaluation's
identity: a smaller image is a different input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any

from evalsvc.errors import UsageError
from evalsvc.worker.engines.base import RequestRefused
from evalsvc.worker.limits import MAX_IMAGES, MAX_PIXELS, MIN_PIXELS

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_OPTIONS: Mapping[str, type] = {"max_pixels": int, "max_images": int}


@dataclass(frozen=True)
class PictureLimits:
    """At most `images` images per problem, each of at most `pixels` (width x height)."""

    pixels: int = MAX_PIXELS
    images: int = MAX_IMAGES

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> "PictureLimits":
        """Read the limits from an engine's options. Raises UsageError if one is too small."""
        limits = cls(options.get("max_pixels", MAX_PIXELS), options.get("max_images", MAX_IMAGES))
        if limits.pixels < MIN_PIXELS or limits.images < 1:
            raise UsageError(
                f"max_pixels {limits.pixels} or max_images {limits.images} is too small.",
                f"Give at least {MIN_PIXELS} pixels and one image, or leave the options out.",
            )
        return limits

    @property
    def side(self) -> int:
        """Side in pixels of the largest square within the limit."""
        return isqrt(self.pixels)

    def check_count(self, count: int) -> None:
        """Raise RequestRefused if a problem has too many images."""
        if count > self.images:
            raise RequestRefused(
                f"The problem has {count} images, but the engine accepts {self.images}.",
                'Give engine_options {"max_images": ...}.',
            )

    def shrunk(self, image: "Image") -> "Image":
        """The image itself, or a smaller one with the same proportions."""
        area = image.width * image.height
        if area <= self.pixels:
            return image
        from PIL.Image import Resampling

        scale = (self.pixels / area) ** 0.5
        size = max(1, int(image.width * scale)), max(1, int(image.height * scale))
        return image.resize(size, Resampling.BICUBIC)


def check_places(tokens: Sequence[int], image_token: int | None, images: int) -> None:
    """Raise RequestRefused if a problem's text contains the model's own image token.

    Engines rely on a prompt having exactly one image token per image. With more of them they
    compute nonsense or crash.
    """
    if image_token is not None and (found := tokens.count(image_token)) != images:
        raise RequestRefused(
            f"The prompt has {found} image tokens, but {images} images.",
            "Does the problem's text contain the model's image token?",
        )
