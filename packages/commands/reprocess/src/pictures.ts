import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeAtomically } from '@nightpipe/files'
import { MAD_TO_SIGMA, medianOf } from '@nightpipe/math'
import { type Cuts, type Panel, panelsFigure, renderAnimation, renderPng, zscale } from '@nightpipe/plot'
import { cutOut, type Figures, type OnOneGrid, onOneGrid, type Plane } from './image-pair.js'
import type { Source } from './match-sources.js'
import type { ImagePair } from './workspace.js'

/** Pictures of one image, or of one candidate in it. */
export interface Picture {
  title: string
  /** old, new and difference side by side; below pictures/ */
  panels: string
  /** old and new in turn; only where there is an old one */
  blink?: string
  note: string
  /** of a whole image */
  figures?: Figures
}

export interface PictureOptions {
  most: number
  size: number
  side: number
  blink: number
}

/** Where a candidate was and is. */
export interface Shown {
  name: string
  old?: Source
  new?: Source
}

/** Draws each pair of images, and each candidate in the first image that shows it. */
export async function drawPictures(
  folder: string,
  pairs: readonly ImagePair[],
  candidates: readonly Shown[],
  options: PictureOptions,
): Promise<Picture[]> {
  mkdirSync(folder, { recursive: true })
  const made: Picture[] = []
  let left = candidates.slice(0, options.most)
  for (const pair of pairs) {
    const images = onOneGrid(pair.old, pair.new)
    const marks = (which: 'old' | 'new') => marksOf(images, candidates, which)
    const whole = { title: pair.name, name: fileName(pair.name), note: images.note }
    const picture = await draw(folder, whole, images, { old: marks('old'), new: marks('new') }, options)
    made.push({ ...picture, figures: images.figures })
    for (const shown of left) {
      const close = closeUp(images, shown, options)
      if (!close) continue
      const name = fileName(`${shown.name}_${pair.name}`)
      made.push(
        await draw(folder, { title: `${shown.name}, ${pair.name}`, name, note: images.note }, ...close, options),
      )
    }
    left = left.filter((shown) => !closeUp(images, shown, options))
  }
  const names = new Set(made.flatMap(({ panels, blink }) => [panels, blink]))
  for (const name of readdirSync(folder)) if (name.endsWith('.png') && !names.has(name)) rmSync(join(folder, name))
  return made
}

const fileName = (name: string) => name.replace(/[^\w.+-]+/g, '_')

interface Marks {
  old: Mark[]
  new: Mark[]
}
interface Mark {
  x: number
  y: number
  label?: string
}

function marksOf({ wcs, new: { width, height } }: OnOneGrid, all: readonly Shown[], which: 'old' | 'new'): Mark[] {
  return all.flatMap((shown) => {
    const at = shown[which] && wcs?.toPixel(...shown[which].at)
    const inside = at && at[0] >= 0 && at[1] >= 0 && at[0] < width && at[1] < height
    return inside ? [{ x: at[0], y: at[1], label: shown.name }] : []
  })
}

/** The surroundings of a candidate; undefined where the image does not show it. */
function closeUp(images: OnOneGrid, shown: Shown, { size }: PictureOptions): [OnOneGrid, Marks] | undefined {
  const [mark] = [...marksOf(images, [shown], 'new'), ...marksOf(images, [shown], 'old')]
  if (!mark || !images.wcs) return undefined
  const half = Math.max(8, Math.round((size * 30) / images.wcs.scaleArcsec))
  const cut = (plane: Plane) => cutOut(plane, mark.x, mark.y, half)
  const [left, bottom] = [Math.round(mark.x) - half, Math.round(mark.y) - half]
  const moved = (which: 'old' | 'new') =>
    marksOf(images, [shown], which).map(({ x, y }) => ({ x: x - left, y: y - bottom }))
  const { old, difference, wcs: _, ...rest } = images
  const planes = { ...(old ? { old: cut(old) } : {}), ...(difference ? { difference: cut(difference) } : {}) }
  return [
    { ...rest, new: cut(images.new), ...planes },
    { old: moved('old'), new: moved('new') },
  ]
}

async function draw(
  folder: string,
  { title, name, note }: { title: string; name: string; note: string },
  images: OnOneGrid,
  marks: Marks,
  { side, blink }: PictureOptions,
): Promise<Picture> {
  const cuts = zscale((images.old ?? images.new).pixels)
  const panel = (what: string, plane: Plane, levels: Cuts, shown: Mark[]): Panel => ({
    ...{ title: what, ...plane, cuts: levels, marks: shown },
  })
  const old = images.old && panel('old', images.old, cuts, marks.old)
  const fresh = panel('new', images.new, cuts, marks.new)
  const { difference } = images
  const last = difference && panel('new − old', difference, differenceCuts(difference.pixels, cuts), [])
  const panels = `${name}.png`
  const all = [old, fresh, last].filter((one) => one !== undefined)
  writeAtomically(join(folder, panels), await renderPng(panelsFigure(all, side)))
  if (!old || !difference) return { title, panels, note }
  const animation = `${name}_blink.png`
  const figures = [panelsFigure([old], side), panelsFigure([fresh], side)]
  writeAtomically(join(folder, animation), await renderAnimation(figures, blink))
  return { title, panels, blink: animation, note }
}

/** Five sigma of the difference on either side of nothing; where there is none, those of the images. */
function differenceCuts(pixels: Float32Array, { low, high }: Cuts): Cuts {
  const finite = pixels.filter(Number.isFinite)
  const reach = 5 * MAD_TO_SIGMA * medianOf(finite.map(Math.abs))
  return reach > 0 ? { low: -reach, high: reach } : { low: (low - high) / 2, high: (high - low) / 2 }
}
