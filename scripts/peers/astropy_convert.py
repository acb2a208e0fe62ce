"""A table of stars as FITS, by astropy: INPUT.csv OUTPUT.fits."""
import sys

from astropy.table import Table

Table.read(sys.argv[1], format="ascii.csv").write(sys.argv[2], overwrite=True)
