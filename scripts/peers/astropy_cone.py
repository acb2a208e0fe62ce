"""The stars within a circle of a FITS or CSV table, by astropy: FILE RA DEC RADIUS [OUTPUT]."""
import sys

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

path, ra, dec, radius = sys.argv[1], *map(float, sys.argv[2:5])
table = Table.read(path)
where = SkyCoord(table["RA" if "RA" in table.colnames else "ra"], table["DEC" if "DEC" in table.colnames else "dec"], unit="deg")
near = table[where.separation(SkyCoord(ra * u.deg, dec * u.deg)) <= radius * u.deg]
near.write(sys.argv[5] if len(sys.argv) > 5 else sys.stdout, format="ascii.csv", overwrite=len(sys.argv) > 5)
