"""A rough WCS of a frame of the benchmark (its pointing, scale and turn as its header and its mount know them), for SCAMP."""
import math
import sys

from astropy.io import fits

header = fits.getheader(sys.argv[1])
scale, turn = header["PIXSCALE"] / 3600, 0.3
cards = {
    "CTYPE1": "'RA---TAN'", "CTYPE2": "'DEC--TAN'", "CUNIT1": "'deg'", "CUNIT2": "'deg'",
    "CRPIX1": header["NAXIS1"] / 2, "CRPIX2": header["NAXIS2"] / 2, "CRVAL1": header["RA"], "CRVAL2": header["DEC"],
    "CD1_1": -scale * math.cos(turn), "CD1_2": scale * math.sin(turn),
    "CD2_1": scale * math.sin(turn), "CD2_2": scale * math.cos(turn), "EQUINOX": 2000.0,
}
with open(sys.argv[2], "w") as out:
    for keyword, value in cards.items():
        out.write(f"{keyword:8s}= {value}\n")
    out.write("END     \n")
