"""What sep measures of a frame, as JSON, in the way of its own comparison with SExtractor (test_vs_sextractor)."""
import json
import sys
import warnings

import numpy as np
import sep
from astropy.io import fits

warnings.simplefilter("ignore")
data = np.ascontiguousarray(fits.getdata(sys.argv[1]).astype(np.float32))
background = sep.Background(data, bw=64, bh=64, fw=3, fh=3)
back = background.back(dtype=np.float32)
background.subfrom(data)
sigma = background.globalrms
found = sep.extract(data, 1.5 * sigma, deblend_cont=1.0)
x, y = found["x"], found["y"]
circle, circle_error, _ = sep.sum_circle(data, x, y, 5.0, err=sigma)
kron, _ = sep.kron_radius(data, x, y, found["a"], found["b"], found["theta"], 6.0)
auto, auto_error, _ = sep.sum_ellipse(
    data, x, y, found["a"], found["b"], found["theta"], r=2.5 * kron, err=sigma, subpix=1
)
half, _ = sep.flux_radius(data, x, y, 6.0 * found["a"], 0.5, normflux=auto, subpix=5)
window_x, window_y, _ = sep.winpos(data, x, y, 2.0 / 2.35 * half)
columns = {
    "x": x, "y": y, "peak": found["peak"], "circle": circle, "circleError": circle_error, "kron": 2.5 * kron,
    "auto": auto, "autoError": auto_error, "half": half, "windowX": window_x, "windowY": window_y,
}
result = {name: np.asarray(values, float).tolist() for name, values in columns.items()}
result["level"] = float(np.median(back))
result["back"] = back[::16, ::16].astype(float).ravel().tolist()
json.dump(result, sys.stdout)
