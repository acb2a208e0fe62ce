import { tanHeaderCards } from '../tan.js'
import type { SipDistortion } from './distortion.js'
import type { WcsSolution } from './make-wcs.js'

type Card = [keyword: string, value: string | number, comment: string]

/** The header cards of a plate solution, ready to be written. */
export function wcsCards(wcs: WcsSolution): Card[] {
  const { distortion, linear } = wcs
  const galactic = wcs.galactic === true
  const code = distortion && distortion.kind !== 'SIP' ? distortion.kind : (wcs.projection ?? 'TAN')
  const ending = distortion?.kind === 'SIP' ? '-SIP' : ''
  const plane = tanHeaderCards(linear).filter(([keyword]) => {
    if (galactic && (keyword === 'RADESYS' || keyword === 'EQUINOX')) return false
    // Outside of the zenithal projections the native pole is not where tanHeaderCards assumes it.
    return keyword !== 'LONPOLE' || code !== 'CAR' || linear.lonPole !== undefined
  })
  const cards = plane.map((card): Card => {
    if (card[0] === 'CTYPE1') return ['CTYPE1', `${galactic ? 'GLON' : 'RA--'}-${code}${ending}`, `${NAMES[code]}`]
    if (card[0] === 'CTYPE2') return ['CTYPE2', `${galactic ? 'GLAT' : 'DEC-'}-${code}${ending}`, `${NAMES[code]}`]
    return card
  })
  if (wcs.latPole !== undefined) cards.push(['LATPOLE', wcs.latPole, '[deg] native latitude of the celestial pole'])
  if (distortion?.kind === 'SIP') return [...cards, ...sipCards(distortion)]
  if (distortion?.kind === 'TPV') {
    return [...cards, ...numbered('PV1', distortion.first, 'TPV'), ...numbered('PV2', distortion.second, 'TPV')]
  }
  if (distortion?.kind === 'TNX') return [...cards, ...watCards(distortion.source)]
  if (code === 'NCP') return cards
  return [...cards, ...numbered('PV2', wcs.parameters ?? [], code)]
}

const NAMES: Readonly<Record<string, string>> = {
  TAN: 'gnomonic projection',
  TPV: 'gnomonic projection, TPV distortion',
  TNX: 'gnomonic projection, TNX distortion',
  SIN: 'orthographic projection',
  NCP: 'north celestial pole projection',
  ARC: 'zenithal equidistant projection',
  ZEA: 'zenithal equal-area projection',
  STG: 'stereographic projection',
  ZPN: 'zenithal polynomial projection',
  CAR: 'plate carree projection',
}

function sipCards({ a, b, ap, bp }: SipDistortion): Card[] {
  const cards: Card[] = [...series('A', a, 'distortion along axis 1'), ...series('B', b, 'distortion along axis 2')]
  if (ap && bp) cards.push(...series('AP', ap, 'inverse along axis 1'), ...series('BP', bp, 'inverse along axis 2'))
  return cards
}

function series(name: string, terms: readonly (readonly number[])[], meaning: string): Card[] {
  const order = terms.reduce(
    (most, row, p) => row.reduce((m, value, q) => (value !== 0 ? Math.max(m, p + q) : m), most),
    0,
  )
  const cards: Card[] = [[`${name}_ORDER`, order, `order of the SIP ${meaning}`]]
  for (const [p, row] of terms.entries()) {
    for (const [q, value] of row.entries()) {
      if (value !== 0) cards.push([`${name}_${p}_${q}`, value, `term u^${p} v^${q}`])
    }
  }
  return cards
}

function numbered(name: string, values: readonly number[], code: string): Card[] {
  // TPV takes 1 for a missing PVi_1: a zero there must be written.
  return [...values.entries()]
    .filter(([k, value]) => value !== 0 || (code === 'TPV' && k === 1))
    .map(([k, value]): Card => [`${name}_${k}`, value, `${code} coefficient ${k}`])
}

function watCards(source: readonly [string, string]): Card[] {
  return source.flatMap((text, axis) => {
    const parts = text.match(/.{1,68}/gs) ?? []
    return parts.map((part, k): Card => [`WAT${axis + 1}_${String(k + 1).padStart(3, '0')}`, part, ''])
  })
}
