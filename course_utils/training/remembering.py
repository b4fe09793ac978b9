"""A frozen network that is shown the same images again and again. Notebooks 07, 09 and 10."""

from hashlib import blake2b
from typing import Self

import torch
from torch import Tensor, nn


class Remembering(nn.Module):
    """Computes the output of a frozen network once for each image, (images, …) → (images, …), and then recalls it.

    It knows an image by its shape, type and pixels, so it saves time only where the images are not augmented.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.eval()
        self._known: dict[bytes, Tensor] = {}

    def train(self, mode: bool = True) -> Self:
        """The network stays in evaluation mode, in which it gives an image the same output every time."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        kind = f"{images.dtype} {tuple(images.shape[1:])} ".encode()
        pixels = images.detach().cpu().flatten(1).contiguous().view(torch.uint8).numpy()
        keys = [blake2b(kind + image.tobytes(), digest_size=16).digest() for image in pixels]
        new = [place for place, key in enumerate(keys) if key not in self._known]
        if new:
            found = self.network(images[torch.tensor(new, device="cpu")])
            self._known.update(zip((keys[place] for place in new), found, strict=True))
        return torch.stack([self._known[key] for key in keys]).to(images.device)
