"""Optimal extraction as a careful person writes it in numpy: each order of each fibre by itself, all its columns at once.

numpy_extract.py TRACES OUTFOLDER FIBRES FRAME...
TRACES is one of ours (table ORDERS, image PROFILES); frames are calibrated (image, ERR, MASK). FIBRES is 0,1 for example.
Horne 1986: variance from the model, the worst pixel of a column rejected at 5 sigma, six rounds.
"""
import os
import sys

import numpy as np
from astropy.io import fits
from numpy.polynomial.legendre import legval

traces, out, fibres, *frames = sys.argv[1:]
fibres = [int(f) for f in fibres.split(",")]
with fits.open(traces) as t:
    rows, orders = t[0].header["COWID"], t["ORDERS"].data
    width, blocks = t[0].header["NX"], t[0].header["NBLOCK"]
    fine, per = t["PROFILES"].data.astype(np.float64), t["PROFILES"].header["PERROW"]
x = np.arange(width)
place = np.clip((x + 0.5) * blocks / width - 0.5, 0, blocks - 1)
low = np.minimum(place.astype(int), blocks - 2)
weight = (place - low)[:, None]


def profile(order, fibre, y, first):
    """The share of the light in each row of the window of every column, (columns, rows)."""
    samples = fine[:, order, fibre, :]
    at = (first[:, None] + np.arange(rows) - y[:, None]) * per + (samples.shape[1] - 1) / 2
    k = np.clip(at.astype(int), 0, samples.shape[1] - 2)
    t = at - k
    a, b = low[:, None], low[:, None] + 1
    one = (1 - t) * samples[a, k] + t * samples[a, k + 1]
    two = (1 - t) * samples[b, k] + t * samples[b, k + 1]
    return (1 - weight) * one + weight * two


def extract(pixels, sigma, mask, dark, row):
    y = legval(2 * (x - width / 2) / width, row["coefficients"])
    first = np.round(y).astype(int) - rows // 2
    ok = (x >= row["first"]) & (x <= row["last"]) & (first >= 0) & (first + rows <= pixels.shape[0])
    rr = np.clip(first[:, None] + np.arange(rows), 0, pixels.shape[0] - 1)
    d, good = pixels[rr, x[:, None]], (mask[rr, x[:, None]] == 0) & ok[:, None]
    p = profile(row["index"], row["fiber"], y, first)
    f = (d * good).sum(1) / np.maximum((p * good).sum(1), 1e-9)
    for _ in range(6):
        v = dark + np.maximum(f[:, None] * p, 0)
        w = good / v
        f = (w * p * d).sum(1) / np.maximum((w * p * p).sum(1), 1e-30)
        off = np.where(good, (d - f[:, None] * p) ** 2 / v, 0)
        worst = off.argmax(1)
        bad = off[x, worst] > 25
        if not bad.any():
            break
        good[x[bad], worst[bad]] = False
    return f, 1 / np.sqrt(np.maximum((w * p * p).sum(1), 1e-30))


for path in frames:
    with fits.open(path) as f:
        pixels, sigma, mask = (f[k].data.astype(np.float64) for k in (0, "ERR", "MASK"))
    dark = np.percentile(sigma[::16, ::16], 20) ** 2
    done = [extract(pixels, sigma, mask, dark, row) for row in orders if row["fiber"] in fibres]
    flux, error = (np.array(a, dtype=np.float32) for a in zip(*done))
    name = os.path.join(out, os.path.basename(path))
    fits.HDUList([fits.PrimaryHDU(flux), fits.ImageHDU(error, name="ERR")]).writeto(name, overwrite=True)
