"""Screenshots of a desktop that never was: windows, gradients, text-like glyphs, a photograph. Needs NumPy, no more.

Made to compress as real ones do: about 1.2 MB as PNG. One is drawn from a seed; variants of it for single calls are
shifted copies, so that no two calls send the same picture and making one takes no time.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ("HEIGHT", "WIDTH", "Picture", "noise", "screenshot", "variant")

WIDTH, HEIGHT = 1920, 1080
Picture = NDArray[np.uint8]


def screenshot(seed: int) -> Picture:
    """1080 × 1920 × 3, uint8."""
    random = np.random.default_rng(seed)
    screen = _wallpaper(random)
    glyphs = _glyphs(random)
    for left, top, width, height in ((60, 40, 900, 700), (480, 260, 980, 760), (1240, 80, 620, 560)):
        shift = int(random.integers(-40, 40))
        _window(screen[top : top + height, left + shift : left + shift + width], glyphs, random)
    screen[560:1000, 1240:1880] = _photograph(440, 640, random)
    bar = screen[HEIGHT - 40 :]
    bar[:] = (32, 34, 40)
    for number in range(12):
        bar[6:34, 20 + number * 48 : 48 + number * 48] = random.integers(40, 255, (1, 1, 3))
    _text(bar[10:30, 1600:1900], glyphs, random, ink=220)
    return screen


def noise(seed: int) -> Picture:
    """The worst there is: every byte at random, so that nothing can be gained by compressing it."""
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def variant(picture: Picture, number: int) -> Picture:
    """Another picture, as hard to compress: this one, shifted by a number of lines and columns. Writable."""
    return np.ascontiguousarray(np.roll(picture, (13 * number, 37 * number), axis=(0, 1)))


def _wallpaper(random: np.random.Generator) -> Picture:
    down = np.linspace(0, 1, HEIGHT)[:, None, None]
    across = np.linspace(0, 1, WIDTH)[None, :, None]
    first, second, third = (random.integers(30, 200, 3) for _ in range(3))
    blend: Picture = (first * (1 - down) + second * down * (1 - across) + third * down * across).astype(np.uint8)
    return blend


def _glyphs(random: np.random.Generator) -> NDArray[np.float64]:
    """Seventy glyphs, 16 × 8, of strokes with soft edges; the last is a space."""
    sheet = np.zeros((71, 16, 8))
    for glyph in sheet[:-1]:
        for _ in range(int(random.integers(2, 4))):
            if random.random() < 0.5:
                glyph[2:13, int(random.integers(1, 6))] = 1.0
            else:
                glyph[int(random.integers(2, 13)), 1:7] = 1.0
        glyph[3:13, 1:7] = np.maximum(glyph[3:13, 1:7], (random.random((10, 6)) < 0.12) * 0.5)
    return sheet


def _window(area: Picture, glyphs: NDArray[np.float64], random: np.random.Generator) -> None:
    dark = random.random() < 0.4
    area[:] = (30, 30, 36) if dark else (250, 250, 252)
    area[:30] = (np.linspace(70, 110, 30)[:, None, None] * (1.0, 1.05, 1.3)).astype(np.uint8)
    area[:, :180] = (44, 46, 54) if dark else (236, 238, 242)  # a side bar
    area[[0, -1]] = area[:, [0]] = area[:, [-1]] = (90, 90, 96)
    ink = 215 if dark else 40
    _text(area[8:26, 12:400], glyphs, random, ink=245)
    for top in range(50, area.shape[0] - 30, 22):
        _text(area[top : top + 16, 14:170], glyphs, random, ink=ink)
        if random.random() < 0.85:
            indent = 200 + 16 * int(random.integers(0, 5))
            _text(area[top : top + 16, indent : area.shape[1] - 20], glyphs, random, ink=ink)


def _text(area: Picture, glyphs: NDArray[np.float64], random: np.random.Generator, *, ink: int) -> None:
    """A line of words of a random length, in an ink of a random tint."""
    places = area.shape[1] // 8
    count = int(random.integers(places // 3, places + 1))
    # A few letters make up most of a text.
    letters = np.minimum(random.zipf(1.35, count), 70) - 1
    letters[random.random(count) < 0.16] = 70
    line = glyphs[letters].transpose(1, 0, 2).reshape(16, count * 8)
    part = area[:16, : count * 8]
    cover = line[: part.shape[0], :, None]
    colour = np.clip(ink + random.integers(-30, 30, 3), 0, 255)
    part[:] = (part * (1 - cover) + colour * cover).astype(np.uint8)


def _photograph(height: int, width: int, random: np.random.Generator) -> Picture:
    """Soft shapes of every size, lit alike in all colours, with the grain of a sensor."""
    picture = np.zeros((height, width, 3))
    for size, weight in ((6, 90), (20, 40), (70, 16), (190, 6)):
        light = random.standard_normal((size, size, 1)) + 0.35 * random.standard_normal((size, size, 3))
        picture += weight * _enlarged(light, height, width)
    picture += random.standard_normal(picture.shape) * 1.6
    shot: Picture = np.clip(picture + 120, 0, 255).astype(np.uint8)
    return shot


def _enlarged(small: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Bilinear."""
    rows, columns = np.linspace(0, small.shape[0] - 1.001, height), np.linspace(0, small.shape[1] - 1.001, width)
    top, left = rows.astype(int), columns.astype(int)
    down, across = (rows - top)[:, None, None], (columns - left)[None, :, None]
    upper = small[top][:, left] * (1 - across) + small[top][:, left + 1] * across
    lower = small[top + 1][:, left] * (1 - across) + small[top + 1][:, left + 1] * across
    large: NDArray[np.float64] = upper * (1 - down) + lower * down
    return large
