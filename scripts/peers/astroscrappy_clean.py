"""L.A.Cosmic by astroscrappy: astroscrappy_clean.py GAIN READNOISE SATURATION ITERATIONS FRAME OUT"""
import sys

import astroscrappy
import numpy as np
from astropy.io import fits

gain, noise, saturation, iterations, path, out = sys.argv[1:]
data = fits.getdata(path).astype(np.float32)
mask, clean = astroscrappy.detect_cosmics(
    data, gain=float(gain), readnoise=float(noise), satlevel=float(saturation), niter=int(iterations), sepmed=False,
    cleantype="medmask",
)
fits.HDUList([fits.PrimaryHDU(clean), fits.ImageHDU(mask.astype(np.int16), name="MASK")]).writeto(out, overwrite=True)
