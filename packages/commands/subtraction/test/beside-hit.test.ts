import { MaskBit } from '@nightpipe/image'
import t from 'tap'
import { besideHits } from '../src/beside-hit.js'

const [width, height] = [60, 50]
const at = (x: number, y: number, score: number) => ({ x, y, score, flux: 100 * score, fluxError: 100 })

t.test('what is faint beside a track is of it; what is bright, or further off, need not be', async (t) => {
  const frame = () => ({ mask: new Int16Array(width * height), width, height })
  const [fresh, there] = [frame(), frame()]
  for (const x of [20, 21, 22]) fresh.mask[30 * width + x] = MaskBit.cosmicRay
  there.mask[10 * width + 45] = MaskBit.cosmicRay
  fresh.mask[40 * width + 50] = MaskBit.saturated
  // the reference lies 5 px to the right
  const isBeside = besideHits({ fresh, there, reference: { toReference: [1, 0, 5, 0, 1, 0] } })
  t.ok(isBeside(at(23.4, 31.2, 6)))
  t.ok(isBeside(at(23.4, 31.2, 11)))
  t.notOk(isBeside(at(23.4, 31.2, 12)), 'bright')
  t.notOk(isBeside(at(25, 31.2, 6)), 'further off')
  t.notOk(isBeside(at(23.4, 31.2, -6)), 'faded: the reference was not hit there')
  t.ok(isBeside(at(40.5, 11, -6)))
  t.notOk(isBeside(at(40.5, 11, 6)))
  t.notOk(isBeside(at(50, 40, 6)), 'saturated is not hit')
})
