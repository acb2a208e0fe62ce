/** truth/README.md of every simulated echelle night. */
export const TRUTH_README = `# The truth of a simulated echelle night

Made by \`simulate echelle\`. The raw frames hold what a camera writes, and nothing else. Pixels count from 0, those of the
detector without overscan; "along" is along the dispersion (x, or y where [optics] dispersion = y), "across" is the other axis.
Wavelengths are in vacuum, in Angstrom. \`index\` counts orders as [optics] first order and order step do.

    electrons = Poisson(response (spectra + scattered light) + t dark) + cosmic rays, bled along columns beyond full well
    raw       = round(level + bias + electrons / gain + read noise), from 0 to 65535

| file | what |
|---|---|
| frames.csv | every frame: fault, velocities of star and site, redshift of the star as seen, mid-time weighted by the light (UTC), drift of the image against traces and wavelengths at rest; drift_m_s is that of a lamp line in the middle of the detector, as a velocity |
| traces.csv, traces.fits | centre of each order and fibre (TRACE) and its wavelengths (WAVELENGTH), before any drift; cubes of pixel along, index, fibre |
| lines.csv | lines of the lamp in its fibre: where they are before any drift, and their electrons in an arc frame |
| frames/FRAME.fits | WAVELENGTH (drift included), FLUX (electrons without noise, collected in a pixel along the order, before the response of pixels), NOISE (of the best possible extraction: 1 / sigma^2 = sum P^2 / V), SCATTERED (scattered light, electrons in a pixel, in the middle of cells of CELL pixels), COSMICS (charge of every hit pixel) |
| defects.csv | hot and dead pixels; columns that lose light from a row on |
| parameters.json | all settings |

The trace of a frame is that of traces.fits plus DRIFTY. The wavelength of a pixel in a frame is that at pixel - DRIFTX - STRETCH (2
pixel / size - 1) at rest. (1 + redshift seen) (1 + barycentric / c) = 1 + star / c. The velocity of a star is that
of the moment, always the same: it has no secular acceleration. Light of scattering comes on top of that of the
spectra. Where lines are tilted, WAVELENGTH is that in the middle of the trace.
`
