"""mer: micro-expression recognition, from raw clips to pooled leave-one-subject-out scores."""

import os

# Before anything imports OpenCV, which reads it once: an image file of a few bytes can claim a gigabyte of pixels.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**26))

__version__ = "0.1.0"
