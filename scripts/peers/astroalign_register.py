"""One frame matched and resampled on another by astroalign: output, reference, frame."""
import sys
import astroalign
import numpy
from astropy.io import fits

output, reference, frame = sys.argv[1:4]
target, source = (fits.getdata(path).astype(numpy.float32) for path in (reference, frame))
registered, footprint = astroalign.register(source, target)
fits.writeto(output, registered, overwrite=True)
