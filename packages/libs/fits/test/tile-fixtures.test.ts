import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '@nightpipe/testing'
import t from 'tap'
import { openFits, readPixels64 } from '../src/index.js'
import { digestNumbers } from './reference.js'

interface ReferenceImage {
  name: string
  axes: number[]
  bitpix: number
  pixels: string
  nan: number
}

const FOLDER = join(REPOSITORY, 'fixtures/tile-compression')
const reference: Record<string, ReferenceImage[]> = JSON.parse(readFileSync(join(FOLDER, 'reference.json'), 'utf8'))

for (const [name, images] of Object.entries(reference)) {
  t.test(`${name} reads to the last bit as funpack reads it`, async (t) => {
    const file = openFits(join(FOLDER, name))
    const found = file.hdus.filter((hdu) => hdu.compressed)
    const facts = found.map((hdu) => {
      const pixels = readPixels64(hdu)
      const nan = pixels.reduce((count, value) => count + Number(Number.isNaN(value)), 0)
      return { name: hdu.name, axes: hdu.axes, bitpix: hdu.bitpix, pixels: digestNumbers(pixels), nan }
    })
    t.same(facts, images)
    file.close()
  })
}

t.test('the header of a compressed image is that of the image before, its cards in their order', async (t) => {
  for (const name of Object.keys(reference)) {
    const file = openFits(join(FOLDER, name))
    for (const { header, compressed } of file.hdus) {
      if (!compressed) continue
      const keywords = header.cards.map((card) => card.keyword)
      t.notOk(
        keywords.find((keyword) => /^(Z|TFIELDS|TTYPE|TFORM|THEAP)/.test(keyword)),
        name,
      )
      const own = header.cards.filter((card) => /^(OBJECT|EXPTIME|FILTER|GAIN|OBSERVER)$/.test(card.keyword))
      t.same(
        own.map((card) => [card.keyword, card.value]),
        [
          ['OBJECT', 'NGC 1999'],
          ['EXPTIME', 12.5],
          ['FILTER', 'r'],
          ['GAIN', 1.7],
          ['OBSERVER', "O'Neil"],
        ],
        name,
      )
    }
    file.close()
  }
})

t.test(
  'rows read one by one from the last to the first, and plane by plane, are those of the whole image',
  async (t) => {
    for (const name of Object.keys(reference)) {
      const file = openFits(join(FOLDER, name))
      for (const hdu of file.hdus) {
        if (!hdu.compressed) continue
        const whole = readPixels64(hdu)
        const width = hdu.axes[0]!
        const rows = whole.length / width
        const gathered = new Float64Array(whole.length)
        for (let row = rows - 1; row >= 0; row--) {
          gathered.set(readPixels64(hdu, { firstRow: row, rows: 1 }), row * width)
        }
        t.same(gathered, whole, `${name} ${hdu.name}`)
        const planes = hdu.axes[2] ?? 1
        for (let plane = 0; plane < planes; plane++) {
          const size = whole.length / planes
          t.same(readPixels64(hdu, { plane }), whole.slice(plane * size, (plane + 1) * size), `${name} plane ${plane}`)
        }
      }
      file.close()
    }
  },
)
