"""The reference stars of the benchmark as tables of the peers: stars-ref.fits (astrometry.net) and stars-ref.cat (SCAMP)."""
import sys

import numpy as np
from astropy.io import fits
from astropy.table import Table

stars = Table.read(sys.argv[1])
ra, dec, mag = (np.asarray(stars[name], dtype=float) for name in ("ra", "dec", "r"))
error = np.full(len(ra), 30 / 3.6e6)


def column(name, values, unit="deg", form="D"):
    return fits.Column(name=name, format=form, unit=unit, array=values)


plain = fits.BinTableHDU.from_columns([column("RA", ra), column("DEC", dec), column("MAG", mag, "mag")])
plain.writeto("stars-ref.fits", overwrite=True)
header = fits.Header().tostring()
text = fits.Column(name="Field Header Card", format=f"{len(header)}A", array=[header])
head = fits.BinTableHDU.from_columns([text], name="LDAC_IMHEAD")
objects = fits.BinTableHDU.from_columns(
    [
        *(column("RA", ra), column("DEC", dec), column("ERRA", error), column("ERRB", error)),
        *(column("ERRT", np.zeros(len(ra))), column("MAG", mag, "mag", "E")),
        *(column("MAGERR", np.full(len(ra), 0.02), "mag", "E"), column("OBSDATE", np.full(len(ra), 2000.0), "yr")),
    ],
    name="LDAC_OBJECTS",
)
fits.HDUList([fits.PrimaryHDU(), head, objects]).writeto("stars-ref.cat", overwrite=True)
