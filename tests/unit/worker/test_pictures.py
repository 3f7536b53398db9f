"""Limits on pictures, and marks that must match them."""

import pytest
from PIL import Image

from evalsvc.errors import UsageError
from evalsvc.specs import CheckpointSpec, Modality
from evalsvc.worker.engines.base import RequestRefused
from evalsvc.worker.engines.pictures import PictureLimits, check_places
from evalsvc.worker.engines.vllm_setup import Device, engine_arguments

SEEING = CheckpointSpec(
    path="/model", fingerprint="f", architecture="A", architecture_hash="a", tokenizer_hash="t",
    modality=Modality.IMAGE,
)  # fmt: skip


def test_a_picture_within_the_limit_stays_as_it_is() -> None:
    image = Image.new("RGB", (100, 50))
    assert PictureLimits(pixels=5000).shrunk(image) is image


@pytest.mark.parametrize("size", [(1000, 500), (3000, 7), (2, 9000)])
def test_a_larger_one_shrinks_with_its_proportions(size: tuple[int, int]) -> None:
    small = PictureLimits(pixels=5000).shrunk(Image.new("RGB", size))
    assert 0 < small.width * small.height <= 5000 or min(small.size) == 1
    if min(small.size) > 10:
        assert small.width / small.height == pytest.approx(size[0] / size[1], rel=0.05)


def test_too_many_pictures_are_refused() -> None:
    PictureLimits(images=2).check_count(2)
    with pytest.raises(RequestRefused, match=r"3 images, but the engine accepts 2.*max_images"):
        PictureLimits(images=2).check_count(3)


@pytest.mark.parametrize("options", [{"max_pixels": 10}, {"max_images": 0}])
def test_limits_that_make_no_sense_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="too small"):
        PictureLimits.from_options(options)


def test_marks_and_pictures_must_be_equally_many() -> None:
    check_places([1, 7, 2, 7], 7, 2)
    check_places([1, 7], None, 0)  # a model without marks
    for tokens, images in (([7, 7], 1), ([1], 1), ([7], 0)):
        with pytest.raises(RequestRefused, match="image tokens"):
            check_places(tokens, 7, images)


def test_vllm_reserves_room_for_the_largest_picture_only() -> None:
    options = {"max_pixels": 90_000, "max_images": 2}
    found = engine_arguments(SEEING, Device("gpu", is_cpu=False), 4096, options)
    largest = {"count": 2, "width": 300, "height": 300}
    assert found["limit_mm_per_prompt"] == {"image": largest, "video": 0}
    assert not {"max_pixels", "max_images"} & found.keys()
    text = SEEING.model_copy(update={"modality": Modality.TEXT})
    assert "limit_mm_per_prompt" not in engine_arguments(text, Device("gpu", False), 4096, {})
