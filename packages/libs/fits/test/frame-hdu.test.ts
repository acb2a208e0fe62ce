import t from 'tap'
import { encodeFits, frameHdu, imageHdu, type NewHdu, openFits, readFrame } from '../src/index.js'

const image = (axes: number[], name?: string): NewHdu => ({
  ...{ kind: 'image', bitpix: -32, axes, ...(name ? { name } : {}) },
  pixels: Float32Array.from({ length: axes.reduce((a, b) => a * b, 1) }, (_, p) => p),
})
const opened = (...hdus: NewHdu[]) => openFits(encodeFits(hdus), { name: 'x.fits' })

t.test('axes of length 1 say nothing', async (t) => {
  for (const axes of [
    [4, 3],
    [4, 3, 1],
    [4, 3, 1, 1],
  ]) {
    const { width, height, pixels } = readFrame(opened(image(axes)))
    t.same([width, height, pixels.length], [4, 3, 12])
  }
})

t.test('a cube is refused in one line, and stays an image for those who ask for its planes', async (t) => {
  for (const axes of [
    [4, 3, 2],
    [4, 3, 1, 5],
  ]) {
    const file = opened(image(axes))
    t.throws(() => frameHdu(file), { message: `x.fits: is a cube of ${axes.join(' x ')}, not one frame` })
    t.throws(() => readFrame(file), /is a cube/)
    t.same(imageHdu(file).axes, axes)
  }
})

t.test('of several images the first one is the frame, whatever follows', async (t) => {
  const file = opened({ kind: 'empty' }, image([4, 3], 'SCI'), image([5, 2], 'CCD2'), image([4, 3, 2]))
  t.equal(frameHdu(file).name, 'SCI')
  t.equal(frameHdu(file, 'ccd2').axes[0], 5)
  t.throws(() => frameHdu(file, 3), /is a cube/)
})
