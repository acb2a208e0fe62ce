"""ccdproc's combiner: ccdproc_master.py median|clip OUT FRAME..."""
import sys

import ccdproc
import numpy as np

mode, out, *frames = sys.argv[1:]
options = {"method": "median"}
if mode == "clip":
    options = {"method": "average", "sigma_clip": True, "sigma_clip_low_thresh": 3, "sigma_clip_high_thresh": 3}
    options.update(sigma_clip_func=np.ma.median, sigma_clip_dev_func=np.ma.std)
ccdproc.combine(frames, unit="adu", dtype=np.float32, mem_limit=4e9, **options).write(out, overwrite=True)
