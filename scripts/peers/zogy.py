"""Proper image subtraction (Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27), written from the equations of the paper with
numpy alone: the oracle of the command `subtraction`. Reads new, reference and their point spreads, all of one size and
free of sky, and writes difference and score.

    zogy.py NEW REFERENCE PSF_NEW PSF_REFERENCE FLUX_NEW FLUX_REFERENCE SIGMA_NEW SIGMA_REFERENCE OUT
"""
import sys

import numpy as np
from astropy.io import fits


def centred(psf, shape):
    """A small image whose middle pixel goes to (0, 0) of a large one."""
    out = np.zeros(shape)
    h, w = psf.shape
    out[:h, :w] = psf
    return np.roll(out, (-(h // 2), -(w // 2)), (0, 1))


def zogy(new, ref, psf_new, psf_ref, fn, fr, sn, sr):
    n_hat, r_hat = np.fft.fft2(new), np.fft.fft2(ref)
    pn, pr = (np.fft.fft2(centred(p, new.shape)) for p in (psf_new, psf_ref))
    den = sr**2 * fn**2 * abs(pn) ** 2 + sn**2 * fr**2 * abs(pr) ** 2  # eq. 13
    small = den < 1e-14 * den.max()
    den[small] = 1
    d_hat = (fr * pr * n_hat - fn * pn * r_hat) / np.sqrt(den)
    fd = fr * fn / np.sqrt(sn**2 * fr**2 + sr**2 * fn**2)  # eq. 15
    # score with uniform noise, eq. 12 and 17, divided by its own standard deviation
    kn = fr**2 * fn * np.conj(pn) * abs(pr) ** 2 / den  # eq. 28
    kr = fn**2 * fr * np.conj(pr) * abs(pn) ** 2 / den  # eq. 29
    for a in (d_hat, kn, kr):
        a[small] = 0
    s = np.fft.ifft2(kn * n_hat - kr * r_hat).real
    variance = sn**2 * np.sum(np.fft.ifft2(kn).real ** 2) + sr**2 * np.sum(np.fft.ifft2(kr).real ** 2)
    return np.fft.ifft2(d_hat).real / fd, s / np.sqrt(variance)


if __name__ == "__main__":
    new, ref, psf_new, psf_ref = (fits.getdata(f).astype(float) for f in sys.argv[1:5])
    difference, score = zogy(new, ref, psf_new, psf_ref, *map(float, sys.argv[5:9]))
    fits.HDUList([fits.PrimaryHDU(difference), fits.ImageHDU(score, name="SCORE")]).writeto(sys.argv[9], overwrite=True)
