"""The Mandelbrot set, rendered on worker processes and streamed to a page tile by tile."""
