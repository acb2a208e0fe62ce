import { basename } from 'node:path'
import { type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { copyHeader, type Header, setCard } from '@nightpipe/fits'
import { COLOURS, chart, writeFigure } from '@nightpipe/plot'
import { diffractionOrder, lineResolution, type WavelengthSolution, wavelengthEvaluator } from '@nightpipe/spectra'
import { solutionHdus, tharHdus, tripCards, tripHdus } from '@nightpipe/spectrographs'
import type { Arc } from './arcs.js'
import type { WavelengthJob } from './plan.js'
import { RESOLUTION, readWithSides, setNumbers, setWavelengths, withWavelengths } from './products.js'
import type { WavelengthSchema } from './schema.js'

/** The files of a solved arc: its spectra with wavelengths and the solution, THAR and TRIP in a tree, a figure of the residuals. */
export async function arcProducts(
  job: Job<WavelengthJob>,
  { config, context }: Tools<WavelengthSchema>,
): Promise<Row[]> {
  const arc = job.params.arc!
  const { spectra, sides } = readWithSides(job.inputs[0]!)
  const by = new Map(
    arc.solutions.map(({ fibre, polynomial }) => [
      fibre,
      { polynomial, wavelengthAt: wavelengthEvaluator(polynomial) },
    ]),
  )
  for (const order of spectra.orders) {
    const of = by.get(order.fibre)
    const at = of && new Float64Array(spectra.width).map((_, x) => of.wavelengthAt(order.index, x))
    setWavelengths(order, at, of && diffractionOrder(of.polynomial, order.index))
  }
  const header = arcHeader(spectra.header, arc, basename(job.params.list), config.wavelength.model)
  const product = job.products[0]!
  const hdus = [...withWavelengths(spectra, header, sides, config, 'electron'), ...solutionHdus(arc.solutions)]
  writeProduct(product, hdus, context, job.parents)
  const orders = 1 + Math.max(...spectra.orders.map(({ index }) => index))
  const { fibres, reference } = job.params
  for (const path of job.products.slice(1)) {
    const kind = basename(path).slice(0, 4)
    if (path.endsWith('.png')) await writeFigure(path, residualFigure(arc))
    else if (kind === 'THAR') {
      const most = 1 + Math.max(fibres - 1, ...arc.solutions.map(({ fibre }) => fibre))
      const cards = withType(header, 'WAVE')
      writeProduct(
        path,
        tharHdus(arc.solutions, cards, { orders, fibres: most, fitted: arc.model }),
        context,
        job.parents,
      )
    } else {
      const cards = withType(header, 'ARC')
      setCard(cards, 'ORGNAM00', basename(job.inputs[0]!), 'made from')
      for (const [keyword, value, comment] of arc.model ? tripCards(arc.model) : [])
        setCard(cards, keyword, value, comment)
      writeProduct(path, tripHdus(arc.solutions, cards, { orders, reference }), context, job.parents)
    }
  }
  return [{ input: job.inputs[0]!, status: 'done', product, measurements: arcMeasurements(arc) }]
}

function withType(from: Header, type: string): Header {
  const header = copyHeader(from)
  setCard(header, 'OBSTYPE', type, 'what this file is')
  return header
}

/** What a report says of an arc: of the fibre with most lines. */
function arcMeasurements(arc: Arc): Record<string, number | string> {
  const best = arc.solutions.reduce((a, b) => (b.used > a.used ? b : a))
  return {
    ...{ fibres: arc.solutions.map(({ fibre }) => fibre).join('+'), found: arc.found },
    lines: arc.solutions.reduce((sum, { used }) => sum + used, 0),
    ...{ rms_angstrom: best.rmsAngstrom, rms_m_s: best.rmsVelocity, precision_m_s: best.precision },
    ...{ terms: best.polynomial.terms.length, first_order: best.polynomial.firstOrder, way: arc.ways.join('; ') },
  }
}

function arcHeader(from: Header, arc: Arc, list: string, model: string): Header {
  const header = copyHeader(from)
  const best: WavelengthSolution = arc.solutions.reduce((a, b) => (b.used > a.used ? b : a))
  setCard(header, 'THARLIST', list, 'list of lines')
  setCard(header, 'WAVEMOD', model, 'model of the wavelengths')
  setNumbers(header, [
    ['NLINEDET', arc.found, 'lines found, all fibers'],
    ['NLINES', arc.solutions.reduce((sum, { used }) => sum + used, 0), 'lines fitted, all fibers'],
    ['SIGLAM', best.rmsAngstrom, '[Angstrom] scatter of the lines fitted'],
    ['RVPRECSN', best.precision, '[m/s] scatter over the root of the number'],
    ['WAVRCHI2', best.chiSquare, 'of the fit, per degree of freedom'],
    ['RESOLUT', lineResolution(best.lines), RESOLUTION],
    ['WAVFLOOR', best.floor, '[pixel] scatter beyond the errors of the lines'],
  ])
  return header
}

/** Residuals of all fibres against wavelength; lines that were set aside as crosses. */
function residualFigure({ solutions, name }: Arc) {
  const limit = Math.max(100, ...solutions.map(({ rmsVelocity }) => 4 * rmsVelocity))
  const series = solutions.flatMap(({ fibre, lines }) => {
    const colour = COLOURS[fibre % COLOURS.length]
    const points = (used: boolean) => {
      const some = lines.filter((line) => line.used === used)
      return { x: some.map(({ wavelength }) => wavelength), y: some.map(({ velocity }) => velocity) }
    }
    return [
      { kind: 'points' as const, label: `fibre ${fibre}`, colour, ...points(true) },
      { kind: 'points' as const, marker: 'cross' as const, colour, ...points(false) },
    ]
  })
  const summary = solutions.map(
    ({ fibre, used, rmsVelocity }) => `fibre ${fibre}: ${used} lines, ${rmsVelocity.toFixed(0)} m/s`,
  )
  return chart({
    title: `${name} · ${summary.join(' · ')}`,
    x: { label: 'wavelength (Angstrom, vacuum)' },
    y: { label: 'residual (m/s); crosses: set aside', range: [-limit, limit] },
    series: [...series, { kind: 'level', y: 0, colour: '#888888' }],
  })
}
