"""A frozen network that is shown the same images again and again. Notebooks 07, 09 and 10."""

from hashlib import blake2b

import torch
from torch import Tensor, nn


class Remembering(nn.Module):
    """Computes the output of a frozen network once for each image, (images, …) → (images, …), and then recalls it.

    It knows an image by its pixels, so it saves time only where the images are not augmented.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.eval()
        self.known: dict[bytes, Tensor] = {}

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        pixels = images.detach().cpu().contiguous().numpy()
        keys = [blake2b(image.tobytes(), digest_size=16).digest() for image in pixels]
        new = [place for place, key in enumerate(keys) if key not in self.known]
        if new:
            self.known.update(
                zip((keys[place] for place in new), self.network(images[torch.tensor(new)]), strict=True)
            )
        return torch.stack([self.known[key] for key in keys]).to(images.device)
