"""Features of many images: those of each batch, one after the other, with a line of progress."""

import pytest
import torch

from course_utils.few_shot.stored import encoded


def test_every_image_is_encoded_once_and_in_order(capsys):
    seen = []

    def encode(images):
        seen.append(len(images))
        return images.flatten(1).requires_grad_() * 2

    images = torch.rand(10, 1, 2, 2)
    features = encoded(encode, images, batch_size=4)
    assert torch.equal(features, 2 * images.flatten(1))
    assert seen == [4, 4, 2]
    assert not features.requires_grad
    assert capsys.readouterr().out.startswith("features of 10 images in ")
    encoded(encode, images, quiet=True)
    assert capsys.readouterr().out == ""


def test_what_is_no_batch_of_images_is_refused_in_one_sentence():
    for images, sentence in (
        (torch.rand(3, 4, 4), "must be .count, channels"),
        ("cat", "must be a tensor of images"),
    ):
        with pytest.raises(ValueError, match=sentence):
            encoded(torch.nn.Flatten(), images)
    with pytest.raises(ValueError, match="batch_size is 0, but must be at least 1"):
        encoded(torch.nn.Flatten(), torch.rand(2, 1, 2, 2), batch_size=0)
