import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { lacking, scratch } from '@nightpipe/testing'
import t from 'tap'
import { chart, figuresPdf, pictureFigure } from '../src/index.js'

const x = Float64Array.from({ length: 200 }, (_, k) => k)
const line = chart({
  title: 'flux (σ) of 51 Peg',
  x: { label: 'wavelength (Å)' },
  y: { label: 'flux', range: [-1, 0.7] },
  series: [
    { kind: 'line', x, y: x.map((v) => Math.sin(v / 9)), label: 'star' },
    { kind: 'points', x: [10, 20], y: [0, 0.5], error: [0.1, 0.1] },
    { kind: 'histogram', values: x },
  ],
})
const picture = pictureFigure({
  title: 'frame',
  pixels: Float32Array.from({ length: 600 }, (_, k) => k % 37),
  width: 30,
  height: 20,
  unit: 'adu',
})

t.test('figures become pages of lines and letters, the same bytes every time', async (t) => {
  const pdf = figuresPdf([line, picture])
  t.same(figuresPdf([line, picture]), pdf)
  const text = pdf.toString('latin1')
  t.match(text, /^%PDF-1\.4/)
  t.match(text, /\/Count 2/)
  t.notMatch(text, /CreationDate/)
  const start = text.indexOf('stream\n', text.indexOf('/Contents')) + 7
  const content = inflateSync(pdf.subarray(start, text.indexOf('\nendstream', start))).toString('latin1')
  t.match(content, /\(flux \\\(sigma\\\) of 51 Peg\) Tj/)
  t.match(content, /\(wavelength \\\(\xc5\\\)\) Tj/)
  t.match(content, / c\n?/, 'discs')
  t.match(content, /W n/, 'lines that leave the range end at the frame of the plot')
})

t.test('another program reads them', { skip: lacking('pdftotext') }, async (t) => {
  const folder = scratch()
  writeFileSync(join(folder, 'a.pdf'), figuresPdf([line, picture]))
  const { status, stderr } = spawnSync('pdftotext', ['a.pdf', 'a.txt'], { cwd: folder, encoding: 'utf8' })
  t.equal(status, 0)
  t.equal(stderr, '', 'no complaint')
  t.match(readFileSync(join(folder, 'a.txt'), 'utf8'), /51 Peg[\s\S]*frame/)
})
