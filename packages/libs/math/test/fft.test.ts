import t from 'tap'
import { complexImage, fft, fftLength, inverseFft, opposite, partsAt, random } from '../src/index.js'

const noise = (width: number, height: number) => {
  const image = complexImage(width, height)
  const { normal } = random(5, width, height)
  for (const part of [image.re, image.im]) for (let p = 0; p < part.length; p++) part[p] = normal()
  return image
}

t.test('the transform is the sum that defines it, for every radix', async (t) => {
  for (const [width, height] of [
    [4, 4],
    [8, 20],
    [12, 8],
    [20, 36],
    [60, 16],
    [32, 4],
  ]) {
    const image = noise(width, height)
    const [re, im] = [image.re.slice(), image.im.slice()]
    fft(image)
    let worst = 0
    for (const [u, v] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [3, height - 1],
      [width - 1, 2],
      [width >> 1, height >> 1],
    ]) {
      let [a, b] = [0, 0]
      for (let y = 0, p = 0; y < height; y++) {
        for (let x = 0; x < width; x++, p++) {
          const angle = -2 * Math.PI * ((u * x) / width + (v * y) / height)
          a += re[p] * Math.cos(angle) - im[p] * Math.sin(angle)
          b += re[p] * Math.sin(angle) + im[p] * Math.cos(angle)
        }
      }
      worst = Math.max(worst, Math.abs(image.re[v * width + u] - a), Math.abs(image.im[v * width + u] - b))
    }
    t.ok(worst < 1e-5 * Math.sqrt(width * height), `${width} x ${height}: ${worst}`)
  }
})

t.test('the inverse gives back what was transformed', async (t) => {
  for (const [width, height] of [
    [100, 48],
    [256, 300],
  ]) {
    const image = noise(width, height)
    const before = image.re.slice()
    fft(image)
    inverseFft(image)
    t.ok(image.re.every((value, p) => Math.abs(value - before[p]) < 3e-6))
  }
})

t.test('two real images are transformed at once', async (t) => {
  const both = noise(24, 20)
  const alone = complexImage(24, 20)
  alone.re.set(both.im)
  fft(both)
  fft(alone)
  const out = new Float64Array(4)
  let worst = 0
  for (let y = 0; y < 20; y++) {
    for (let x = 0; x < 24; x++) {
      const p = y * 24 + x
      partsAt(both, p, opposite(both, x, y), out)
      worst = Math.max(worst, Math.abs(out[2] - alone.re[p]), Math.abs(out[3] - alone.im[p]))
    }
  }
  t.ok(worst < 1e-4, String(worst))
})

t.test('lengths are rounded up to those that are quick', async (t) => {
  t.same([1, 5, 13, 97, 1021, 2048].map(fftLength), [4, 8, 16, 100, 1024, 2048])
  t.throws(() => fft(complexImage(28, 4)), /28 x 4 cannot be transformed/)
})
