import { formatMjd } from '@nightpipe/sky'
import type { Built } from './build.js'
import { chart, type Series } from './chart.js'
import type { Candidate, Field, FieldPicture, LightCurve } from './field.js'
import { colourOf, linkTo, position, safe } from './html.js'
import { SCRIPT, STYLE } from './page-style.js'
import type { Shown } from './picture.js'

/** The page of a field: everything in one file, read from the disk, on a large screen or a phone. */
export function pageOf({ field, shown, stamps }: Built, linear: number): string {
  const { title, filters, pictures, candidates, curves, warnings } = field
  const sections = [
    section(
      'warnings',
      'Warnings',
      warnings.length ? `<ul class="warn">${warnings.map((text) => `<li>${safe(text)}</li>`).join('')}</ul>` : '',
    ),
    section('images', 'Images', pictures.map((picture, k) => figure(picture, shown[k]!, field)).join('')),
    section('candidates', `Candidates (${candidates.length})`, candidateTable(candidates, stamps, field)),
    section(
      'curves',
      'Light curves',
      curves.length
        ? `<div class="charts">${curves.map((curve) => curveChart(curve, field, linear)).join('')}</div>`
        : '',
    ),
    section('night', 'The night', nightCharts(field)),
    section('products', 'Products', productLinks(field)),
  ].filter(Boolean)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${safe(title)}</title>
<style>${STYLE}</style></head><body>
<header><h1>${safe(title)}</h1>
<p>${[
    position(field.ra, field.dec),
    filters.join(' '),
    field.t0 === undefined ? '' : `T0 ${formatMjd(field.t0)} UTC`,
    eventWords(field),
    `${field.frames.length} frames`,
  ]
    .filter(Boolean)
    .map((text) => `<span>${safe(text)}</span>`)
    .join(' ')}</p></header>
<main>
${sections.join('\n')}
</main>
<script>${SCRIPT}</script>
</body></html>
`
}

/** Where the event is said to be, and whether it stands. */
function eventWords({ event }: Field): string {
  if (!event) return ''
  const { burstId, position: place, status } = event
  const circle = place?.errorDeg ? ` ± ${(60 * place.errorDeg).toFixed(1)}′` : ''
  const where = place ? ` at ${position(place.ra, place.dec)}${circle}` : ', position unknown'
  return `${burstId ?? 'event'}${where}${status === 'retracted' ? ', RETRACTED' : ''}`
}

const section = (id: string, title: string, body: string) =>
  body === '' ? '' : `<section id="${id}"><h2>${title}</h2>\n${body}</section>`

/** A picture with the stars of its catalogue and the candidates over it, each to be switched on and off. */
function figure(picture: FieldPicture, { href, shrink, width, height }: Shown, field: Field): string {
  const { filter, stage, frames, exposure, stars, marks, product, circle } = picture
  const place = (x: number, y: number) => [(x + 0.5) / shrink, height - (y + 0.5) / shrink] as const
  const enlarged = Math.max(1, Math.floor(600 / width)) // small frames are shown larger
  const radius = Math.max(4 / enlarged, width / 130)
  const rings = stars.map(({ x, y, magnitude }) => {
    const [cx, cy] = place(x, y)
    return `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="${radius.toFixed(1)}"><title>${magnitude === undefined ? 'star' : `${magnitude.toFixed(2)} mag`}</title></circle>`
  })
  const boxes = marks.map(({ x, y, number }) => {
    const [cx, cy] = place(x, y)
    const r = 1.6 * radius
    return `<g id="c${number}"><rect x="${(cx - r).toFixed(1)}" y="${(cy - r).toFixed(1)}" width="${(2 * r).toFixed(1)}" height="${(2 * r).toFixed(1)}"/><text x="${(cx + r + 2).toFixed(1)}" y="${(cy + 4).toFixed(1)}" font-size="${(2.2 * radius).toFixed(1)}">${number}</text></g>`
  })
  const event = circle ? [eventCircle(place(circle.x, circle.y), circle.radius / shrink, radius)] : []
  const facts = [
    filter && `filter ${filter}`,
    stage,
    frames && `${frames} frames`,
    exposure && `${Number(exposure.toFixed(1))} s`,
  ].filter(Boolean)
  return `<figure style="--c:${colourOf(field.filters, filter)}">
<label><input type="checkbox" class="see-stars" checked> stars (${stars.length})</label><label><input type="checkbox" class="see-boxes" checked> candidates (${boxes.length})</label>
<div class="picture"><img src="${href}" width="${width * enlarged}" height="${height * enlarged}" alt="the field in ${safe(filter || 'no filter')}"><svg viewBox="0 0 ${width} ${height}"><g class="stars">${rings.join('')}</g><g class="boxes">${boxes.join('')}</g>${event.join('')}</svg></div>
<figcaption>${safe(facts.join(', '))} · <a href="${linkTo(product)}">${safe(product)}</a></figcaption></figure>`
}

/** A cross where the event is said to be, and the circle that holds it. */
function eventCircle([x, y]: readonly [number, number], radius: number, arm: number): string {
  const at = (value: number) => value.toFixed(1)
  const cross = `<path d="M${at(x - arm)} ${at(y)}h${at(2 * arm)}M${at(x)} ${at(y - arm)}v${at(2 * arm)}"/>`
  const ring = radius > 0 ? `<circle cx="${at(x)}" cy="${at(y)}" r="${at(radius)}"/>` : ''
  return `<g class="event"><title>the event and its circle of errors</title>${cross}${ring}</g>`
}

function candidateTable(candidates: readonly Candidate[], stamps: Built['stamps'], { t0 }: Field): string {
  if (candidates.length === 0) return ''
  const number = (value: number | undefined, digits: number) => (value === undefined ? '' : value.toFixed(digits))
  const rows = candidates.map((one, k) => {
    const images = stamps[k]!.map(
      ({ label, href }) => `<img src="${href}" alt="${label}" title="${label}" width="82" height="82">`,
    )
    const where = position(one.ra, one.dec) || `${one.x.toFixed(1)}, ${one.y.toFixed(1)}`
    const magnitude =
      one.magnitude === undefined
        ? ''
        : `${one.magnitude.toFixed(2)}${one.error === undefined ? '' : ` ± ${one.error.toFixed(2)}`}`
    const age =
      one.mjd === undefined ? '' : t0 === undefined ? formatMjd(one.mjd).slice(0, 19) : sinceEvent(one.mjd - t0)
    const cells = [
      where,
      number(one.significance, 1),
      magnitude,
      age,
      String(one.detections),
      one.mover ? `moves ${rateOf(one.mover)}` : [one.status, one.note].filter(Boolean).join(': '),
    ]
    const names = ['place', 'score', 'mag', 'time', 'frames', 'vetting']
    return `<tr data-c="c${one.number}"><td data-name="no.">${one.number}</td><td data-name="stamps" class="stamps">${images.join('')}</td><td data-name="filter">${safe(one.filter)}</td>${cells.map((cell, j) => `<td data-name="${names[j]}">${safe(cell)}</td>`).join('')}</tr>`
  })
  return `<p class="hint">Stamps: new, reference, difference. Touch a row to find it in the picture; a title, to sort.</p>
<table class="sortable"><thead><tr>${['no.', 'stamps', 'filter', 'place', 'score', 'mag', 'time', 'frames', 'vetting'].map((name) => `<th>${name}</th>`).join('')}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table>`
}

const rateOf = ({ rate, unit }: NonNullable<Candidate['mover']>) =>
  unit === 'px/h' ? `${rate.toFixed(1)} px/h` : `${rate.toFixed(1)}″/h`

const sinceEvent = (days: number) => `T0 ${days < 0 ? '−' : '+'} ${duration(Math.abs(days))}`

function duration(days: number): string {
  const seconds = 86400 * days
  if (seconds < 120) return `${seconds.toFixed(0)} s`
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)} min`
  return days < 2 ? `${(seconds / 3600).toFixed(1)} h` : `${days.toFixed(1)} d`
}

/** Magnitude against time: since the event on a logarithmic axis, or in hours of the night. */
function curveChart({ name, ra, dec, points }: LightCurve, { t0, filters }: Field, linear: number): string {
  const first = Math.min(...points.map(({ mjd }) => mjd))
  const bands = [...new Set(points.map(({ filter }) => filter))].sort()
  const series = bands.map(
    (filter): Series => ({
      label: filter,
      colour: colourOf(filters, filter),
      points: points
        .filter((point) => point.filter === filter)
        .map(({ mjd, magnitude, error, limit }) => ({
          ...{ x: t0 === undefined ? 24 * (mjd - first) : 86400 * (mjd - t0), y: magnitude, error, limit },
          hint: `${formatMjd(mjd).slice(0, 19)} ${limit ? '> ' : ''}${magnitude.toFixed(3)}${error === undefined ? '' : ` ± ${error.toFixed(3)}`}`,
        })),
    }),
  )
  const title = [name, position(ra, dec)].filter(Boolean).join('  ')
  const x = t0 === undefined ? `hours after ${formatMjd(first).slice(0, 16)} UTC` : 'time since T0'
  const y = magnitudesOf(points.map(({ instrumental }) => instrumental === true))
  return chart({ title, x, y, inverted: true, ...(t0 === undefined ? {} : { event: linear }) }, series)
}

/** What magnitudes are called, by whether each is without a zero point. */
const magnitudesOf = (instrumental: readonly boolean[]) =>
  !instrumental.includes(true) ? 'mag' : instrumental.includes(false) ? 'mag, in part instrumental' : 'instrumental mag'

/** What is drawn of the reports, and how it is called. */
const [LIMIT, STARS] = ['Limiting magnitude', 'Stars']
const NIGHT: [RegExp, string, string][] = [
  [/^(seeing|fwhm)_arcsec$/, 'Seeing', 'arcsec'],
  [/^(seeing|fwhm)_px$/, 'Seeing', 'px'],
  [/^sky(_.*)?$(?<!sigma)/, 'Sky', 'level'],
  [/^(zero_?point|zp)(_mag)?$/, 'Zero point', 'mag'],
  [/^limit(ing)?_mag(nitude)?$/, LIMIT, 'mag'],
  [/^ellipticity$/, 'Ellipticity', '1 − b/a'],
  [/^stars$/, STARS, 'number'],
]

function nightCharts({ frames, filters }: Field): string {
  const dated = frames.filter(({ mjd }) => mjd !== undefined)
  if (dated.length === 0) return ''
  const first = Math.min(...dated.map(({ mjd }) => mjd!))
  const names = [...new Set(frames.flatMap(({ values }) => Object.keys(values)))]
  const x = `hours after ${formatMjd(first).slice(0, 16)} UTC`
  const charts = NIGHT.flatMap(([pattern, title, y]) => {
    const name = names.find((one) => pattern.test(one))
    if (name === undefined) return []
    const bands = [...new Set(dated.map(({ filter }) => filter))].sort()
    const series = bands.map(
      (filter): Series => ({
        label: filter,
        colour: colourOf(filters, filter),
        points: dated
          .filter((frame) => frame.filter === filter && frame.values[name] !== undefined)
          .map(({ stem, mjd, values }) => ({
            x: 24 * (mjd! - first),
            y: values[name]!,
            hint: `${stem}: ${values[name]}`,
          })),
      }),
    )
    const limits = dated.filter(({ values }) => title === LIMIT && values[name] !== undefined)
    const unit = title === LIMIT ? magnitudesOf(limits.map(({ values }) => values.zero_point_mag === undefined)) : y
    return [chart({ title, x, y: unit, whole: title === STARS }, series)]
  })
  return charts.length ? `<div class="charts">${charts.join('')}</div>` : ''
}

function productLinks({ products }: Field): string {
  const stages = [...new Set(products.map(({ stage }) => stage))].sort()
  return stages
    .map((stage) => {
      const paths = products.filter((product) => product.stage === stage).map(({ path }) => path)
      const links = paths.map(
        (path) => `<li><a href="${linkTo(path)}">${safe(path.replace(/^(\.\.\/)+/, ''))}</a></li>`,
      )
      return `<details><summary>${safe(stage)} (${paths.length})</summary><ul>${links.join('')}</ul></details>`
    })
    .join('\n')
}
