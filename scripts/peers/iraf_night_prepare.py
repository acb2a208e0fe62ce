"""What IRAF needs before it reduces the night of `simulate echelle -c configs/simulate/echelle-medium.ini`.

iraf_night_prepare.py NIGHT FOLDER
The raw frames below NIGHT as images of one HDU with the keywords that IRAF looks for, lists of them, the order of each aperture, and
an identification of the lines of each fibre, which a person makes with ecidentify once for a spectrograph: here it comes
from the truth of the night.
"""
import csv
import glob
import os
import sys

import numpy as np
from astropy.io import fits

FIRST_ORDER = 70
# Fibres of a flat, from the lowest of an order to the highest: of the pair with the star, and of the pair with the sky.
PAIRS = {"a": (1, 0), "b": (2, 1)}
LIST = {
    "BIAS": "zero",
    "DARK": "dark",
    ("LAMPFLAT", "a"): "flata",
    ("LAMPFLAT", "b"): "flatb",
    ("DOUBLE", "a"): "arca",
    ("DOUBLE", "b"): "arcb",
    "TARGET": "star",
}
# Electrons in an arc frame: lines that one frame places to a few hundredths of a pixel; and what no other line comes near to.
FAINTEST = 1000
ALONE_PX = 10
X_TERMS, Y_TERMS = 7, 7


def convert(path, folder):
    """Writes the frame, and returns its list and its name."""
    with fits.open(path) as hdus:
        image, header = hdus[0].data, hdus[0].header
    for key in ("CHECKSUM", "DATASUM", "EXTNAME", "BSCALE", "BZERO"):
        header.remove(key, ignore_missing=True)
    kind = header["OBSTYPE"]
    pair = "b" if header["OBJECTS"].startswith("none") else "a"
    header["UT"] = header["UTSTART"]
    header["EPOCH"] = 2000.0
    header["OBSERVAT"] = "ctio"
    name = os.path.basename(path)
    fits.PrimaryHDU(image, header).writeto(os.path.join(folder, name), overwrite=True)
    return LIST.get(kind) or LIST[kind, pair], name


def lonely_lines(path):
    """Order and wavelength of each line that has no neighbour of a twentieth of its light."""
    with open(path) as f:
        rows = list(csv.DictReader(f))
    order, x, light = (np.array([float(row[key]) for row in rows]) for key in ("order", "along_px", "electrons"))
    alone = [
        not np.any((order == order[k]) & (abs(x - x[k]) < ALONE_PX) & (x != x[k]) & (light > light[k] / 20))
        for k in range(len(rows))
    ]
    return [
        (int(row["order"]), float(row["wavelength_angstrom"]))
        for row, is_alone, electrons in zip(rows, alone, light)
        if is_alone and electrons > FAINTEST
    ]


def identify(folder, wavelengths, lines, pair, fibre):
    """The lines of a fibre and its m * wavelength as a Chebyshev surface of pixel and order, as ecidentify keeps them."""
    orders, size = wavelengths.shape[1:]
    place = PAIRS[pair].index(fibre)
    x, m = np.meshgrid(np.arange(1, size + 1, 8), FIRST_ORDER + np.arange(orders))
    low, high = FIRST_ORDER, FIRST_ORDER + orders - 1
    scaled = lambda v, a, b: (2 * v - a - b) / (b - a)
    terms = np.polynomial.chebyshev.chebvander2d(
        scaled(m, low, high).ravel(), scaled(x, 1, size).ravel(), [Y_TERMS - 1, X_TERMS - 1]
    )
    surface = (m * wavelengths[fibre, :, ::8]).ravel()
    coefficients, *_ = np.linalg.lstsq(terms, surface, rcond=None)
    features = []
    for order, wavelength in lines:
        pixel = np.interp(wavelength, wavelengths[fibre, order - FIRST_ORDER], np.arange(1, size + 1), 0, 0)
        if 10 < pixel < size - 10:
            aperture = 2 * (order - FIRST_ORDER) + place + 1
            features.append(f"\t\t{aperture} {order} {pixel:.3f} {wavelength:.5f} {wavelength:.5f} 4.0 1")
    name = f"ref{pair}{fibre}"
    numbers = [1, X_TERMS, Y_TERMS, 1, 1, size, low, high, *coefficients]
    with open(os.path.join(folder, "database", f"ec{name}"), "w") as f:
        f.write(f"begin\tecidentify {name}\n\tid\t{name}\n\ttask\tecidentify\n\timage\t{name}\n")
        f.write(f"\tfeatures\t{len(features)}\n" + "\n".join(features) + "\n")
        f.write(f"\tcoefficients\t{len(numbers)}\n" + "".join(f"\t\t{v:.15g}\n" for v in numbers) + "\n")


def main():
    night, folder = sys.argv[1:]
    for name in ("raw", "database"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    lists = {}
    for path in sorted(glob.glob(os.path.join(night, "med/nres92/*/raw/*.fits"))):
        kind, name = convert(path, os.path.join(folder, "raw"))
        lists.setdefault(kind, []).append(name)
    for kind, names in lists.items():
        with open(os.path.join(folder, f"{kind}.list"), "w") as f:
            f.writelines(f"../raw/{name}\n" for name in names)
        with open(os.path.join(folder, f"{kind}-out.list"), "w") as f:
            f.writelines(f"{kind}{k + 1}\n" for k in range(len(names)))
    wavelengths = fits.getdata(os.path.join(night, "truth/traces.fits"), "WAVELENGTH")
    with open(os.path.join(folder, "apertures"), "w") as f:
        f.writelines(f"{k + 1} {FIRST_ORDER + k // 2}\n" for k in range(2 * wavelengths.shape[1]))
    lines = lonely_lines(os.path.join(night, "truth/lines.csv"))
    for pair, fibres in PAIRS.items():
        for fibre in fibres:
            identify(folder, wavelengths, lines, pair, fibre)


main()
