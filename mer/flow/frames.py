"""What every flow method asks of its two batches of frames."""

from kornia.color import rgb_to_grayscale
from torch import Tensor

from mer.errors import MerError


def to_grey(frames: Tensor) -> Tensor:
    """``(B, 1|3, H, W)`` -> grey ``(B, 1, H, W)``.

    Raises:
        MerError: another number of dimensions or channels, or bytes.
    """
    require_frames(frames)
    return rgb_to_grayscale(frames) if frames.shape[1] == 3 else frames


def require_frames(frames: Tensor) -> None:
    """Refuse what is no batch of grey or RGB frames in [0, 1].

    Raises:
        MerError: another number of dimensions or channels, or bytes.
    """
    if frames.ndim != 4 or frames.shape[1] not in (1, 3) or not frames.is_floating_point():
        raise MerError("float frames (B, 1|3, H, W)", f"{frames.dtype} {tuple(frames.shape)}", "give batches in [0, 1]")


def require_pair(first: Tensor, second: Tensor, side_px: int, smallest_px: int, method: str) -> None:
    """Refuse two batches that differ in shape, or whose ``side_px`` is below what ``method`` needs.

    Raises:
        MerError: they do, or it is.
    """
    if first.shape != second.shape:
        raise MerError(f"frames of {tuple(first.shape)}", f"{tuple(second.shape)}", "give two batches of one shape")
    if side_px < smallest_px:
        size = "x".join(map(str, first.shape[2:]))
        raise MerError(f"frames of {smallest_px} px or more for {method}", size, "use a larger crop")
