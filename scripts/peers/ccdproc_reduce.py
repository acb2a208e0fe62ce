"""ccdproc with uncertainties: ccdproc_reduce.py BIAS DARK FLAT GAIN READNOISE OUTDIR FRAME..."""
import os
import sys

import astropy.units as u
import ccdproc
from astropy.nddata import CCDData

bias, dark, flat, gain, noise, out, *frames = sys.argv[1:]
bias = CCDData.read(bias, unit="adu")
dark = CCDData.read(dark, unit="adu")
flat = CCDData.read(flat, unit="adu")
for path in frames:
    frame = CCDData.read(path, unit="adu")
    t = float(frame.header["EXPTIME"]) * u.second
    frame = ccdproc.create_deviation(frame, gain=float(gain) * u.electron / u.adu, readnoise=float(noise) * u.electron)
    frame = ccdproc.subtract_bias(frame, bias)
    frame = ccdproc.subtract_dark(frame, dark, dark_exposure=1 * u.second, data_exposure=t, scale=True)
    frame = ccdproc.flat_correct(frame, flat)
    frame.write(os.path.join(out, os.path.basename(path)), overwrite=True)
