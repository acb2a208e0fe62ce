/** truth/README.md of every simulated night. */
export const TRUTH_README = `# The truth of a simulated night

Made by \`simulate imaging\`. The raw frames beside this folder hold what a camera writes, and nothing else.

    charge = Poisson(t (dark + flat S)) + cosmic rays, bled along columns beyond full well, summed by binning
    raw    = round(level + bias + charge (1 - NONLIN charge) / gain + read noise), from 0 to the end of the converter

\`S\` is the light in electrons per second: sky and stars, through clouds, before the flat.

| file | what |
|---|---|
| bias.fits | structure of the bias, ADU, without the level |
| dark.fits | dark current, electrons per second; GAIN, RDNOISE, LEVEL and NONLIN of the amplifiers are in the header |
| flat_FILTER.fits | response, mean 1 before defects |
| defects.csv | hot, dead and column defects; pixels of the unbinned detector, from 0 |
| stars.csv, stars.fits | every source of every field: position, magnitude in each filter, kind |
| catalogue.fits | the stars as a survey would list them, at its epoch and with its errors ([reference catalogue]); \`catalogue import\` and \`astrometry\` read it |
| frames.csv | every frame: conditions and plate solution (FITS convention) of the image without prescan and overscan |
| frames/FRAME.fits | MASK (2 saturated, 4 cosmic ray, 64 bleed, 128 satellite) with the whole plate solution (distortion too, as SIP), STARS, COSMICS (charge of each hit pixel), LEVELS (bias level of each row); RAWSUM is the SHA-256 of the raw frame |
| stars/FRAME.csv | the sources in the frame: pixel positions from 0 in the image (x_px) and from 1 in the raw frame (x_fits), flux in electrons and ADU |
| calibrated/FRAME.fits | science frames as a reduction without error would leave them, when [files] calibrated = yes |
| light/FRAME.fits | S, when [files] light = yes |
| parameters.json | all settings and the geometry of the camera |

Positions are at mid-exposure. Images have the shape of the frame without prescan and overscan. With \`noiseless = yes\`
raw = level + bias + t (dark + flat S) / gain to float32 rounding.
`
