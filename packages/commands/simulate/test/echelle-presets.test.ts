import { loadProfile } from '@nightpipe/config'
import t from 'tap'
import { orderOf } from '../src/echelle/optics.js'
import { studioOf } from './small-echelle.js'

const PROFILES = {
  small: 'echelle-small',
  medium: 'echelle-medium',
  nres: 'nres',
  teaching: 'echelle-teaching',
  other: 'echelle-other',
}

for (const [preset, name] of Object.entries(PROFILES)) {
  t.test(`the profile of echelle-${preset} is good to a percent, and right where it counts`, async (t) => {
    const { settings, along, across, wavelength, trace } = studioOf(preset)
    const { spectrograph } = loadProfile(name).values
    const { optics, fibres } = settings
    t.equal(spectrograph.orders, optics.orders)
    t.equal(spectrograph.fibres, fibres.count)
    t.equal(spectrograph['first order'], orderOf(settings, 0))
    t.equal(spectrograph['order step'], optics['order step'])
    t.equal(spectrograph.dispersion, optics.dispersion)
    const middle = along / 2
    const heights = Array.from({ length: optics.orders }, (_, index) => trace(index, fibres.arc)(middle))
    t.ok(
      heights.every((y, index) => index === 0 || y > heights[index - 1]!),
      'index 0 is the lowest',
    )
    const first = wavelength(0, fibres.arc)
    t.equal(first(along) > first(0) ? 'rises' : 'falls', spectrograph.wavelength)
    if (fibres.count > 1) {
      t.equal(spectrograph['arc fibre'], fibres.arc)
      const rises = trace(0, 1)(middle) > trace(0, 0)(middle)
      t.equal(rises ? 'rises' : 'falls', spectrograph['fibre order'])
    }
    // A percent in the middle of the detector; NRES has 5 % more in its blue orders.
    for (let index = 0; index < optics.orders; index += 5) {
      const at = wavelength(index, fibres.arc)
      const velocity = (299792.458 * Math.abs(at(middle + 1) - at(middle))) / at(middle)
      const near = Math.abs(index - optics.orders / 2) < optics.orders / 8 ? 0.011 : 0.06
      t.ok(Math.abs(velocity / spectrograph['pixel velocity'] - 1) < near, `order ${index}: ${velocity} km/s`)
      const constant = at(middle) * orderOf(settings, index)
      t.ok(Math.abs(constant / spectrograph['order constant'] - 1) < 0.01, `order ${index}: ${constant}`)
      for (const x of [0, middle, along - 1]) {
        const y = trace(index, fibres.arc)(x)
        t.ok(y > -60 && y < across + 60, `order ${index} is near the detector`)
      }
    }
  })
}
