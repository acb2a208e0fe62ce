import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createHeader, type NewColumn, type NewHdu, writeFits } from '@nightpipe/fits'
import { call } from '@nightpipe/testing'
import t from 'tap'
import { mergeCandidates } from '../src/candidates.js'
import { chart } from '../src/chart.js'
import { position } from '../src/html.js'

const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
const run = (...args: string[]) => call('summary', args)

const SIDE = 120
const STARS = [
  [20, 30],
  [60, 64],
  [95, 20],
  [40, 100],
] as const
const WCS = { CTYPE1: 'RA---TAN', CTYPE2: 'DEC--TAN', CRPIX1: 60, CRPIX2: 60, CRVAL1: 132.8, CRVAL2: 11.8 }
const SCALE = { CD1_1: -0.0002, CD1_2: 0, CD2_1: 0, CD2_2: 0.0002 }

type Cards = Record<string, string | number>

function image(stage: string, cards: Cards, sources: readonly (readonly [number, number])[] = STARS): NewHdu {
  const pixels = new Float32Array(SIDE * SIDE)
  for (let p = 0; p < pixels.length; p++) {
    const [x, y] = [p % SIDE, Math.floor(p / SIDE)]
    pixels[p] =
      100 +
      3 * Math.sin(p * 12.9) +
      sources.reduce((sum, [a, b]) => sum + 900 * Math.exp(-((x - a) ** 2 + (y - b) ** 2) / 5), 0)
  }
  const facts = {
    NP_CMD: stage,
    NP_ID: 'x',
    OBJECT: 'GRB 260101A',
    INSTRUME: 'cam',
    EXPTIME: 60,
    ...WCS,
    ...SCALE,
    ...cards,
  }
  return { kind: 'image', bitpix: -32, axes: [SIDE, SIDE], pixels, header: createHeader(Object.entries(facts)) }
}

function table(name: string, columns: Record<string, number[] | string[]>): NewHdu {
  const made = Object.entries(columns).map(
    ([key, values]): NewColumn =>
      ({
        name: key,
        values: typeof values[0] === 'number' ? Float64Array.from(values as number[]) : (values as string[]),
      }) as NewColumn,
  )
  return { kind: 'table', name, columns: made, rows: Object.values(columns)[0]!.length }
}

function put(path: string, hdus: NewHdu[]): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFits(path, hdus)
}

/** What the commands before leave of a field with a transient in it. */
function writeField(folder: string): string {
  const place = (stage: string, name: string) => join(folder, 'cam/r', stage, name)
  const date = (k: number) => ({ FILTER: 'r', 'DATE-OBS': `2026-01-01T02:${10 + k}:00`, T0: '2026-01-01T02:03:04' })
  const x = STARS.map(([a]) => a + 1)
  const y = STARS.map(([, b]) => b + 1)
  for (let k = 0; k < 3; k++) {
    const stem = `m-${k}`
    put(place('alignment', `${stem}.fits`), [image('alignment', date(k), [...STARS, [75, 80]])])
    const stars = {
      X: x,
      Y: y,
      RA: [132.808, 132.8, 132.793, 132.804],
      DEC: [11.794, 11.801, 11.792, 11.808],
      FLUX_AUTO: [4, 3, 2, 1],
    }
    const header = createHeader(Object.entries({ NP_CMD: 'findstars', ...date(k) }))
    put(place('findstars', `${stem}.cat.fits`), [{ kind: 'empty', header }, table('CAT', stars)])
    put(place('subtraction', `${stem}.diff.fits`), [image('subtraction', date(k), [[75, 80]])])
    const found = { X: [76], Y: [81], RA: [132.797], DEC: [11.8041], SCORE: [12 + k], MAG: [17.5 + 0.1 * k] }
    put(place('subtraction', `${stem}.candidates.fits`), [
      { kind: 'empty', header: createHeader(Object.entries({ NP_CMD: 'subtraction', ...date(k) })) },
      table('CANDIDATES', found),
    ])
  }
  put(place('stacking', 'stack.fits'), [image('stacking', { FILTER: 'r' })])
  const report = 'input,status,reason,product,seconds,seeing_px,zero_point_mag\n'
  const lines = [0, 1, 2].map((k) => `../alignment/m-${k}.fits,done,,m-${k}.cat.fits,0.1,${2.5 + k / 10},24.${k}\n`)
  writeFileSync(
    place('findstars', 'findstars.csv'),
    `${report}${lines.join('')}../alignment/m-9.fits,rejected,"5 stars, 10 needed",,0.1,,\n`,
  )
  mkdirSync(place('photometry', ''), { recursive: true })
  const curve = [
    'target,61041.0,,,19.5',
    ...[0, 1, 2].map((k) => `target,${61041.09 + k / 1440},${17.5 + 0.1 * k},0.05,`),
  ]
  writeFileSync(place('photometry', 'curves.csv'), `name,mjd,mag,mag_err,limit_mag\n${curve.join('\n')}\n`)
  return folder
}

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path))

t.test('a page and a JSON tell what is known of a field', (t) => {
  const cwd = t.testdir()
  const field = writeField(join(cwd, 'GRB'))
  const { status, stdout, stderr } = run('--input', field, '--output', join(field, 'summary'))
  t.equal(status, 0, stderr)
  t.match(stdout, /summary\.html\n.*summary\.json\n/)
  const page = readFileSync(join(field, 'summary/summary.html'), 'utf8')
  const json = JSON.parse(readFileSync(join(field, 'summary/summary.json'), 'utf8'))
  t.match(json, { title: 'GRB 260101A', filters: ['r'], pictures: [{ stage: 'stacking', filter: 'r' }] })
  t.equal(json.pictures[0].stars.length, 4, 'the stars of a frame are carried over to the stack')
  t.match(json.candidates, [{ detections: 3, significance: 14, number: 1 }], 'three detections, one candidate')
  t.match(json.curves, [{ name: 'target', points: { length: 4 } }])
  t.equal(json.curves[0].points[0].limit, true)
  t.match(json.warnings, ['findstars: m-9 rejected: 5 stars, 10 needed'])
  t.match(page, />T0<\/text>/)
  t.equal([...page.matchAll(/title="(new|reference|difference)"/g)].length, 3, 'three stamps')
  t.notMatch(page, /(src|href)="(https?:)?\/\//, 'nothing from elsewhere')
  t.match(page, /href="\.\.\/cam\/r\/stacking\/stack\.fits"/)
  const again = run('--input', field, '--output', join(field, 'summary'))
  t.equal(again.status, 0)
  t.equal(readFileSync(join(field, 'summary/summary.html'), 'utf8'), page, 'the same bytes')
  // Figures come along in a list of products, and are no frames.
  const figure = join(field, 'cam/r/photometry/scatter.svg')
  writeFileSync(figure, '<svg/>\n')
  const listed = run('--input', field, figure, '--output', join(field, 'summary'))
  t.equal(listed.status, 0, listed.stderr)
  t.same(JSON.parse(readFileSync(join(field, 'summary/summary.json'), 'utf8')).warnings, json.warnings)
  const late = run('--input', field, '--output', join(cwd, 'late'), '--t0', '2026-01-01T03:12:00')
  t.equal(late.status, 0, late.stderr)
  t.match(readFileSync(join(cwd, 'late/summary.html'), 'utf8'), /T0 − 60\.0 min/, 'what was seen before the event')
  t.end()
})

t.test(
  'the page works in a browser, on a large screen and on a phone',
  { skip: chromium ? false : 'no chromium' },
  (t) => {
    const cwd = t.testdir()
    const field = writeField(join(cwd, 'GRB'))
    t.equal(run('--input', field, '--output', join(field, 'summary')).status, 0)
    const page = readFileSync(join(field, 'summary/summary.html'), 'utf8')
    const probe = `<script>addEventListener('load',()=>{document.querySelector('tr[data-c]').click();document.querySelector('.see-stars').click();
const said={wide:document.documentElement.scrollWidth,window:innerWidth,chosen:document.querySelectorAll('.boxes .chosen').length,stars:getComputedStyle(document.querySelector('.stars')).display,image:document.querySelector('.picture img').naturalWidth,table:getComputedStyle(document.querySelector('thead')).display}
document.title='probe '+JSON.stringify(said)})</script>`
    writeFileSync(join(field, 'summary/probe.html'), page.replace('</body>', `${probe}</body>`))
    for (const [width, head] of [
      [1200, 'table-header-group'],
      [500, 'none'],
    ] as const) {
      const args = [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        `--window-size=${width},900`,
        '--dump-dom',
        pathToFileURL(join(field, 'summary/probe.html')).href,
      ]
      const { stdout } = spawnSync(chromium!, args, { encoding: 'utf8', env, timeout: 600_000, maxBuffer: 1 << 26 })
      const said = JSON.parse(/<title>probe (.*?)<\/title>/.exec(stdout)?.[1] ?? '{}')
      t.ok(said.wide <= said.window, `nothing is wider than a screen of ${width}: ${said.wide}`)
      t.match(said, { chosen: 1, stars: 'none', image: SIDE, table: head })
    }
    t.end()
  },
)

t.test('magnitudes without a catalogue are called instrumental, also where only a limit is known', (t) => {
  const cwd = t.testdir()
  const field = writeField(join(cwd, 'GRB'))
  const folder = join(field, 'cam/r/photometry')
  const rows = [0, 1, 2].map((k) => [`${61041.09 + k / 1440}`, k === 1 ? ',,-9.5' : '-11.2,0.01,'])
  const plain = rows.map(([mjd, values]) => `S00001,${mjd},${values},no\nmixed,${mjd},${values},no`)
  const calibrated = rows.map(([mjd]) => `mixed,${mjd},17.5,0.01,,yes`)
  const head = 'star,mjd,mag,error_mag,upper_limit_mag,calibrated'
  writeFileSync(join(folder, 'lightcurves.csv'), `${[head, ...plain, ...calibrated].join('\n')}\n`)
  t.equal(run('--input', field, '--output', join(field, 'summary')).status, 0)
  const page = readFileSync(join(field, 'summary/summary.html'), 'utf8')
  const labelled = (title: string) =>
    new RegExp(`aria-label="${title}.*?</svg>`).exec(page)?.[0].match(/>((?:instrumental )?mag[^<]*)<\/text>/)?.[1]
  t.equal(labelled('S00001'), 'instrumental mag')
  t.equal(labelled('mixed'), 'mag, in part instrumental')
  t.equal(labelled('target'), 'mag', 'a table that says nothing has magnitudes')
  t.end()
})

t.test('counts have no halves on their axis', (t) => {
  const points = [110, 110, 111].map((y, x) => ({ x, y, hint: '' }))
  const drawn = chart({ title: 'Stars', x: '', y: '', whole: true }, [{ label: '', colour: '#000', points }])
  const labels = [...drawn.matchAll(/text-anchor="end">([^<]*)</g)].map(([, label]) => label)
  t.same(labels, ['110', '111'])
  t.end()
})

t.test('candidates in one place of the sky are one, also across RA 0', (t) => {
  const at = (ra: number, significance: number) => ({
    filter: 'r',
    stem: 'a',
    x: 1,
    y: 1,
    ra,
    dec: 60,
    significance,
    good: true,
    stamps: [],
  })
  t.equal(mergeCandidates([at(10, 5), at(10.0005, 9), at(10.01, 7)]).length, 2)
  t.equal(mergeCandidates([at(0.0001, 5), at(359.9999, 9)]).length, 1)
  t.same(
    mergeCandidates([at(10, 5), at(10.0005, 9)]).map(({ significance, detections }) => [significance, detections]),
    [[9, 2]],
  )
  t.end()
})

t.test('what moves from frame to frame is one candidate, and the page says how fast', (t) => {
  const field = writeField(join(t.testdir(), 'GRB'))
  const folder = join(field, 'cam/r/subtraction')
  const name = 'M61041.09028J132.79701+11.80411'
  writeFileSync(join(folder, 'movers.csv'), `mover,rate_px_h,rate_arcsec_h\n${name},20,61.23\n`)
  const row = (k: number) => `m-${k},2,${name}\n`
  writeFileSync(join(folder, 'candidates.csv'), `frame,number,mover\nm-0,1,\n${[0, 1, 2].map(row).join('')}`)
  for (let k = 0; k < 3; k++) {
    const header = createHeader(
      Object.entries({ NP_CMD: 'subtraction', FILTER: 'r', 'DATE-OBS': `2026-01-01T02:1${k}:00` }),
    )
    const two = {
      NUMBER: [1, 2],
      X: [76, 20 + 5 * k],
      Y: [81, 30],
      RA: [132.797, 132.81 + 0.004 * k],
      DEC: [11.8041, 11.79],
    }
    const path = join(folder, `m-${k}.candidates.fits`)
    put(path, [{ kind: 'empty', header }, table('CANDIDATES', { ...two, SCORE: [12 + k, 30 - k] })])
  }
  const { status, stderr } = run('--input', field, '--output', join(field, 'summary'))
  t.equal(status, 0, stderr)
  const { candidates } = JSON.parse(readFileSync(join(field, 'summary/summary.json'), 'utf8'))
  t.match(candidates, [
    { significance: 30, detections: 3, mover: { name, rate: 61.23, unit: 'arcsec/h' } },
    { significance: 14, detections: 3, mover: undefined },
  ])
  t.equal(candidates.length, 2)
  t.match(readFileSync(join(field, 'summary/summary.html'), 'utf8'), '>moves 61.2″/h</td>')
  t.end()
})

t.test('positions are written without sixty seconds', (t) => {
  t.equal(position(0, 0), '00:00:00.00 +00:00:00.0')
  t.equal(position(15 * (1 + 59.99999 / 3600), -0.99999999), '01:01:00.00 −01:00:00.0')
  t.equal(position(undefined, 1), '')
  t.end()
})

t.test('a chart stands for one point, for none, and for values without range', (t) => {
  const options = { title: 'a & b', x: 'x', y: 'y' }
  const series = (points: { x: number; y: number; hint: string }[]) => [{ label: '', colour: 'red', points }]
  for (const points of [[], [{ x: 1, y: 2, hint: '' }], [0, 1].map((x) => ({ x, y: 5, hint: '' }))]) {
    const svg = chart(options, series(points))
    t.notMatch(svg, /NaN|Infinity/)
    t.match(svg, 'a &amp; b')
  }
  t.end()
})

t.test('no products is an error in one line', (t) => {
  const { status, stderr } = run('--input', t.testdir({ 'a.txt': '' }), '--output', join(t.testdirName, 'out'))
  t.equal(status, 3)
  t.equal(stderr.trim().split('\n').length, 1)
  t.end()
})
