# The night of `simulate echelle -c configs/simulate/echelle-medium.ini` by IRAF, without a person, from raw frames to velocities; in an
# empty folder inside the one that iraf_night_prepare.py has filled: irafcl -f iraf_night.cl
# Overscan, zero, dark; apertures found and traced on two flats; scattered light; both lit fibres of flats and stars extracted
# optimally, those of stars with cleaning, those of arcs summed, and divided by the extracted flats; lines identified again
# from those prepared, wavelengths moved by the lamp beside the star; a template of the six stars, and the velocity of each
# order by cross-correlation.

set imtype = "fits"
noao
imred
ccdred
echelle
rv
echelle.dispaxis = 1

ccdproc.ccdtype = ""
ccdproc.fixpix = no
ccdproc.zerocor = no
ccdproc.darkcor = no
ccdproc.flatcor = no
ccdproc.biassec = "[2055:2094,1:2048]"
ccdproc.trimsec = "[1:2048,1:2048]"
ccdproc.order = 3
combine.ccdtype = ""
combine.rdnoise = "4.5"
combine.gain = "1.4"

ccdproc ("@../zero.list", output="@../zero-out.list")
combine ("@../zero-out.list", output="zero", reject="ccdclip")
ccdproc.zerocor = yes
ccdproc.zero = "zero"
ccdproc ("@../dark.list", output="@../dark-out.list")
combine ("@../dark-out.list", output="dark", combine="median")
ccdproc.darkcor = yes
ccdproc.dark = "dark"
ccdproc ("@../flata.list,@../flatb.list", output="@../flata-out.list,@../flatb-out.list")
combine ("@../flata-out.list", output="flata", reject="ccdclip", scale="mean")
combine ("@../flatb-out.list", output="flatb", reject="ccdclip", scale="mean")
ccdproc ("@../arca.list,@../arcb.list", output="@../arca-out.list,@../arcb-out.list")
ccdproc ("@../star.list", output="@../star-out.list")

apall.interactive = no
apall.recenter = no
apall.resize = no
apall.edit = no
apall.review = no
apall.fittrace = no
apall.apidtable = "../apertures"
apall.line = 1024
apall.lower = -6
apall.upper = 6
apall.width = 6
apall.minsep = 8
apall.t_step = 16
apall.t_order = 6
apall.t_niterate = 3
apall.background = "none"
apall.weights = "variance"
apall.clean = yes
apall.saturation = 45000
apall.readnoise = "4.5"
apall.gain = "1.4"
apscatter.interactive = no
apscatter.find = no
apscatter.recenter = no
apscatter.resize = no
apscatter.edit = no
apscatter.trace = no
apscatter.fittrace = no
apscatter.fitscatter = no
apscatter.fitsmooth = no
apscatter.buffer = 2
apscat1.order = 8
apscat2.order = 8

# Traces of the two flats, then scattered light out of flats and stars.
apall ("flata,flatb", output="", nfind=60, find=yes, trace=yes, extract=no)
apall.find = no
apall.trace = no
apscatter ("flata,@../star-out.list", output="flatas,@../star-out.list//s", references="flata")
apscatter ("flatb", output="flatbs", references="flatb")

# Flats are clipped already (and theirs is the readout noise of a mean of five); arcs are summed, as IRAF's own dofoe does it.
apall ("flatas", output="flata_ec", references="flata", clean=no, readnoise="2.0", gain="7")
apall ("flatbs", output="flatb_ec", references="flatb", clean=no, readnoise="2.0", gain="7")
apall ("@../arca-out.list", output="@../arca-out.list//_ec", references="flata", clean=no, weights="none")
apall ("@../arcb-out.list", output="@../arcb-out.list//_ec", references="flatb", clean=no, weights="none")
apall ("@../star-out.list//s", output="@../star-out.list//_ec", references="flata", clean=yes, weights="variance")

# Spectra of each fibre, without what light and pixels make of a flat.
sarith.bands = "1"
sarith.ignoreaps = no
sarith ("@../arca-out.list//_ec,@../star-out.list//_ec", "/", "flata_ec", "@../arca-out.list//_fl,@../star-out.list//_fl")
sarith ("@../arcb-out.list//_ec", "/", "flatb_ec", "@../arcb-out.list//_fl")
scopy.renumber = no
scopy ("@../arca-out.list//_fl,@../star-out.list//_fl", "@../arca-out.list//_f1,@../star-out.list//_f1", apertures="1-59x2")
scopy ("@../arca-out.list//_fl,@../star-out.list//_fl", "@../arca-out.list//_f0,@../star-out.list//_f0", apertures="2-60x2")
scopy ("@../arcb-out.list//_fl", "@../arcb-out.list//_f2", apertures="1-59x2")
scopy ("@../arcb-out.list//_fl", "@../arcb-out.list//_f1", apertures="2-60x2")

# Wavelengths: of each fibre of the arcs, and what the lamp beside the star has moved since then.
copy ("../database/ec*", "database/", verbose=no)
ecreidentify.logfiles = "logfile"
ecreidentify.cradius = 4
ecreidentify.threshold = 0
ecreidentify ("@../arca-out.list//_f1", "refa1")
ecreidentify ("@../arca-out.list//_f0", "refa0")
ecreidentify ("@../arcb-out.list//_f2", "refb2")
ecreidentify ("@../arcb-out.list//_f1", "refb1")
ecreidentify ("@../star-out.list//_f1", "arca1_f1", refit=no)
hedit ("@../star-out.list//_f0", "REFSPEC1", "arca1_f0", add=yes, verify=no, show=no)
list = "../star-out.list"
while (fscan (list, s1) != EOF)
    hedit (s1 // "_f0", "REFSHFT1", s1 // "_f1", add=yes, verify=no, show=no)
dispcor ("@../star-out.list//_f0", "@../star-out.list//_w", linearize=yes, flux=no, verbose=no, logfile="logfile")

# Velocities against the mean of all.
scombine ("@../star-out.list//_w", "template", group="apertures", combine="average", reject="none", logfile="logfile")
continpars.c_function = "spline3"
continpars.order = 8
fxcor ("@../star-out.list//_w", "template", apertures="*", continuum="both", osample="*", rsample="*", output="velocities", verbose="txtonly", interactive=no, autowrite=yes, autodraw=no, observatory="ctio", function="gaussian", width=15)
logout
