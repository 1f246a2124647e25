"""mer: micro-expression recognition, from raw clips to pooled leave-one-subject-out scores."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mer.predict import Recognizer

# Before anything imports OpenCV, which reads it once: an image file of a few bytes can claim a gigabyte of pixels.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**26))

__version__ = "0.1.0"
__all__ = ["Recognizer", "__version__"]


def __getattr__(name: str) -> Any:
    # On first use: it imports torch, which those who only ask for a verb's help need not wait for.
    if name == "Recognizer":
        from mer.predict import Recognizer

        return Recognizer
    raise AttributeError(f"module 'mer' has no attribute {name!r}")
