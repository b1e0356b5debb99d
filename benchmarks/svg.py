"""Drawing: SVG that reads well on light and on dark, made of text, the same each time."""

from __future__ import annotations

__all__ = ["Canvas"]

from xml.sax.saxutils import escape

# Colours that can be told apart with any eyes, each dark enough on white or light enough on black.
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 13px }
.small { font-size: 11px; fill: #57606a }
.grid { stroke: #d0d7de; stroke-width: 1 }
.back { fill: #ffffff }
.line { fill: none; stroke-width: 2 }
.s0 { stroke: #0969da } .s1 { stroke: #1a7f37; stroke-dasharray: 7 3 }
.s2 { stroke: #bc4c00; stroke-dasharray: 2 3 }
.f0 { fill: #0969da } .f1 { fill: #1a7f37 } .f2 { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #3d444d } .back { fill: #0d1117 }
.s0 { stroke: #58a6ff } .s1 { stroke: #3fb950 } .s2 { stroke: #f0883e }
.f0 { fill: #58a6ff } .f1 { fill: #3fb950 } .f2 { fill: #f0883e }
}
"""


class Canvas:
    """A picture of so many pixels, with a title that is read aloud."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="back" width="{width}" height="{height}" rx="6"/>',
        ]

    def text(
        self, x: float, y: float, text: str, *, style: str = "", anchor: str = "start"
    ) -> None:
        """Write a line that starts, ends or has its middle at x."""
        kind = f' class="{style}"' if style else ""
        placed = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        self._parts.append(f"<text {placed}{kind}>{escape(text)}</text>")

    def line(self, points: list[tuple[float, float]], style: str) -> None:
        """Draw a line through the points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polyline class="{style}" points="{path}"/>')

    def dot(self, x: float, y: float, style: str) -> None:
        """Draw a dot."""
        self._parts.append(f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')

    def bar(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """Draw a bar."""
        box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        self._parts.append(f'<rect class="{style}" {box} rx="2"/>')

    def drawn(self) -> str:
        """Return the picture."""
        return "\n".join([*self._parts, "</svg>\n"])
