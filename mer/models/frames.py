"""Frames of clips through a network of images."""

from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError


def each_frame(
    net: nn.Module, clips: Float[Tensor, "batch time channel height width"]
) -> Float[Tensor, "batch time feature"]:
    """``net`` of every frame by itself: ``(B, T, C, H, W)`` -> ``(B, T, D)``.

    Raises:
        MerError: not clips of frames.
    """
    if clips.ndim != 5:
        raise MerError("clips (B, T, C, H, W)", f"{tuple(clips.shape)}", "choose features= that make frames")
    images: Tensor = net(clips.flatten(0, 1))
    return images.unflatten(0, clips.shape[:2])  # type: ignore[no-untyped-call,no-any-return]
