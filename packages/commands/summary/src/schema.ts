import { type ConfigOf, choice, integer, list, number, path, text } from '@nightpipe/config'

/** Every key of summary.ini, once. */
export const schema = {
  page: {
    title: text('', 'title of the page; empty: the object of the frames'),
    name: text('summary', 'name of the products, without .html and .json'),
    picture: integer(1000, 'largest side of a picture', { unit: 'px', min: 100, max: 4000 }),
    stretch: choice('asinh', ['asinh', 'log', 'linear'], 'how levels become grey'),
    stars: integer(400, 'stars marked on a picture, the brightest of the catalogue', { min: 0, max: 5000 }),
    candidates: integer(100, 'candidates in the table, the most significant', { min: 0, max: 2000 }),
    stamp: integer(41, 'side of the stamps of a candidate', { unit: 'px', min: 9, max: 201 }),
    curves: integer(12, 'light curves drawn: forced positions and candidates first, then those that vary most', {
      min: 0,
      max: 200,
    }),
  },
  event: {
    trigger: path('', 'trigger file of voevent: the time, position and circle of errors of the event; empty: none'),
    t0: text('', 'time of the event, as 2026-01-01T02:03:04 or MJD; empty: of the trigger, or of the headers'),
    keywords: list(
      ['T0', 'TRIGTIME', 'TRIGDATE', 'ALEVT', 'EVENTTIM'],
      'header keywords that tell it, first usable first',
    ),
    linear: number(60, 'on the axis of time the scale is linear so close to it, and logarithmic beyond', {
      unit: 's',
      min: 0.001,
    }),
  },
}

export type SummarySchema = typeof schema
export type SummaryConfig = ConfigOf<SummarySchema>
