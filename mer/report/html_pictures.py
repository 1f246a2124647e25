"""Pictures inside the HTML report: made smaller, each shown once, and left out where the page would grow too large."""

import base64
import hashlib
from io import BytesIO
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from mer.pixels import decoded
from mer.report.markup import Markup, element, shortened

_WIDEST_PX = 1000
_HIGHEST_PX = 1600
_QUALITY = 85  # of WebP
_LONGEST_ALT = 200


class Pictures:
    """Pictures as data URIs, until ``budget_bytes`` of the page are used up.

    Attributes:
        left_out: how many did not fit.
        used_bytes: of those that did.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.left_out = 0
        self.used_bytes = 0
        self._budget_bytes = budget_bytes
        self._shown: dict[str, str] = {}

    def file(self, path: Path, caption: str) -> Markup:
        """The picture in ``path``, not wider than 1000 px, with its caption; nothing where there is none."""
        image = decoded(path.read_bytes()) if path.is_file() else None
        if image is None:
            return Markup()
        shrink = min(1.0, _WIDEST_PX / image.shape[1], _HIGHEST_PX / image.shape[0])
        if shrink < 1:
            resized = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
            image = np.asarray(resized, np.uint8)
        quality = [cv2.IMWRITE_WEBP_QUALITY, _QUALITY]
        content = cv2.imencode(".webp", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)[1].tobytes()
        return self._picture("image/webp", content, caption, image.shape[1], image.shape[0])

    def figure(self, figure: Figure, caption: str) -> Markup:
        """A figure as SVG with its caption."""
        buffer = BytesIO()
        with mpl.rc_context({"svg.hashsalt": "mer"}):
            figure.savefig(buffer, format="svg", metadata={"Date": None})
        width_px, height_px = (round(96 * side_in) for side_in in figure.get_size_inches())
        return self._picture("image/svg+xml", buffer.getvalue(), caption, width_px, height_px)

    @property
    def is_full(self) -> bool:
        """True once one did not fit: no more are drawn then."""
        return self.left_out > 0

    def _picture(self, kind: str, content: bytes, caption: str, width_px: int, height_px: int) -> Markup:
        """A new picture; a link to the first of equal ones."""
        digest = hashlib.sha256(content).hexdigest()
        words = element("figcaption", shortened(caption, _LONGEST_ALT))
        if digest in self._shown:
            link = element("a", "as shown above", href=f"#{self._shown[digest]}")
            return element("p", f"{shortened(caption, _LONGEST_ALT)}: ", link, ".")
        uri = f"data:{kind};base64,{base64.b64encode(content).decode()}"
        if self.used_bytes + len(uri) > self._budget_bytes:
            self.left_out += 1
            return Markup()
        self.used_bytes += len(uri)
        name = self._shown[digest] = f"picture-{len(self._shown) + 1}"
        alt = shortened(caption, _LONGEST_ALT)
        return element("figure", element("img", src=uri, alt=alt, width=width_px, height=height_px), words, id=name)
