import { inflateSync } from 'node:zlib'
import t from 'tap'
import { encodeAnimatedPng, panelsFigure, renderAnimation, renderPng } from '../src/index.js'
import { pngParts } from '../src/png-parts.js'

/** The chunks of a PNG: name and content. */
function chunks(png: Uint8Array): [string, Buffer][] {
  const bytes = Buffer.from(png)
  const found: [string, Buffer][] = []
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    found.push([bytes.toString('latin1', at + 4, at + 8), bytes.subarray(at + 8, at + 8 + length)])
    at += 12 + length
  }
  return found
}

t.test('an animation holds all its pictures in order, the first where every viewer finds it', async (t) => {
  const [one, other] = [Uint8Array.of(1, 2, 3, 4, 5, 6), Uint8Array.of(9, 8, 7, 6, 5, 4)]
  const found = chunks(encodeAnimatedPng([one, other], 3, 2, 700))
  t.same(
    found.map(([name]) => name),
    ['IHDR', 'acTL', 'fcTL', 'IDAT', 'fcTL', 'fdAT', 'IEND'],
  )
  t.same([...found[1]![1]], [0, 0, 0, 2, 0, 0, 0, 0], 'two pictures, for ever')
  t.same([...inflateSync(found[3]![1])], [0, 1, 2, 3, 0, 4, 5, 6])
  t.same([...inflateSync(found[5]![1].subarray(4))], [0, 9, 8, 7, 0, 6, 5, 4])
  const numbers = [found[2]!, found[4]!, found[5]!].map(([, body]) => body.readUInt32BE(0))
  t.same(numbers, [0, 1, 2], 'numbered as a decoder expects')
  t.same([...found[2]![1].subarray(20, 24)], [2, 188, 3, 232], '700 of 1000 of a second')
  t.throws(() => encodeAnimatedPng([], 1, 1, 100), RangeError)
  t.throws(() => encodeAnimatedPng([one], 3, 3, 100), RangeError)
})

t.test('panels stand side by side, each as dark as its own cuts say; their animation has their size', async (t) => {
  const pixels = Float32Array.from({ length: 400 }, (_, k) => k % 20)
  const panel = { title: 'old', pixels, width: 20, height: 20, cuts: { low: 0, high: 19 } }
  const marked = { ...panel, title: 'new <2>', marks: [{ x: 5, y: 5, label: 'J1' }] }
  const figure = panelsFigure([panel, marked], 100)
  t.match(figure.svg, /old<\/text>/)
  t.match(figure.svg, /new &lt;2&gt;<\/text>/)
  t.equal(figure.width, 16 + 2 * 116)
  const png = pngParts(Buffer.from(await renderPng(figure)))
  t.ok(png === undefined || png.width === figure.width)
  const head = chunks(await renderAnimation([panelsFigure([panel], 100), panelsFigure([marked], 100)], 500))[0]![1]
  t.equal(head.readUInt32BE(0), 132)
})
