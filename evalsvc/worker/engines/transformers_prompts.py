"""Model inputs of the transformers engine: token ids padded on the left, and pictures.

A vision model's own processor makes both from texts and pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsvc.specs import CheckpointSpec, Modality
from evalsvc.worker.engines.base import RequestRefused, SampleRequest
from evalsvc.worker.engines.chat import adopt_template, prompt_tokens, render_chat
from evalsvc.worker.engines.pictures import check_places


@dataclass(frozen=True)
class TokenizedPrompt:
    """One rendered request. `length` counts all tokens, including those of pictures."""

    text: str
    tokens: list[int]
    images: Sequence[Any]
    length: int


class PromptReader:
    """Renders requests for one checkpoint with its tokenizer or processor."""

    def __init__(self, checkpoint: CheckpointSpec) -> None:
        """Load the tokenizer or processor. Raises OSError or ValueError for unusable files."""
        from transformers import AutoProcessor, AutoTokenizer

        options = {"trust_remote_code": False, "local_files_only": True}
        self._processor: Any = None
        if checkpoint.modality is Modality.IMAGE:
            self._processor = AutoProcessor.from_pretrained(checkpoint.path, **options)
            self.tokenizer = self._processor.tokenizer
            self.tokenizer.padding_side = "left"
        else:
            self.tokenizer = AutoTokenizer.from_pretrained(checkpoint.path, **options)
        adopt_template(self.tokenizer, Path(checkpoint.path))
        self.padding: int = self.tokenizer.pad_token_id or 0

    def read(self, request: SampleRequest, context: int | None) -> TokenizedPrompt:
        """Render and measure. Raises RequestRefused when the prompt fills the whole context."""
        text = render_chat(self.tokenizer, request.messages)
        tokens = prompt_tokens(self.tokenizer, request.messages)
        if request.images and self._processor is None:
            raise RequestRefused("This model reads only text.", "Ask a vision-language model.")
        image_token = getattr(self._processor, "image_token_id", None)
        check_places(tokens, image_token, len(request.images))
        length = len(tokens) + self._picture_tokens(request.images) - len(request.images)
        if context is not None and length >= context:
            raise RequestRefused(
                f"The prompt has {length} tokens, the model's context only {context}."
            )
        return TokenizedPrompt(text, tokens, request.images, length)

    def batch(self, prompts: Sequence[TokenizedPrompt]) -> Mapping[str, Any]:
        """Tensors for `model.generate`. Either all prompts have pictures, or none."""
        if prompts[0].images:
            inputs: Mapping[str, Any] = self._processor(
                text=[prompt.text for prompt in prompts],
                images=[list(prompt.images) for prompt in prompts],
                padding=True,
                add_special_tokens=False,  # the chat template has written them
                return_tensors="pt",
            )
            return inputs
        import torch

        width = max(len(prompt.tokens) for prompt in prompts)
        ids = torch.full((len(prompts), width), self.padding)
        mask = torch.zeros_like(ids)
        for number, prompt in enumerate(prompts):
            ids[number, width - len(prompt.tokens) :] = torch.tensor(prompt.tokens)
            mask[number, width - len(prompt.tokens) :] = 1
        return {"input_ids": ids, "attention_mask": mask}

    def _picture_tokens(self, images: Sequence[Any]) -> int:
        if not images:
            return 0
        sizes = [[image.height, image.width] for image in images]
        try:
            found = self._processor._get_num_multimodal_tokens(image_sizes=sizes)
        except ValueError as error:
            raise RequestRefused(
                f"The model's processor cannot take the picture: {error}."
            ) from error
        return sum(found.num_image_tokens)
