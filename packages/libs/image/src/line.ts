export interface Place {
  x: number
  y: number
}

/** A line through a place, with its direction. */
export interface Line extends Place {
  cos: number
  sin: number
}

/** How far a place lies off a line, and how far along it. */
export const across = (line: Line, { x, y }: Place) => (y - line.y) * line.cos - (x - line.x) * line.sin
export const along = (line: Line, { x, y }: Place) => (x - line.x) * line.cos + (y - line.y) * line.sin

/** The line that places are least far off from, in the sum of squares. */
export function lineThrough(places: readonly Place[]): Line {
  const mean = (value: (place: Place) => number) => places.reduce((sum, place) => sum + value(place), 0) / places.length
  const [mx, my] = [mean(({ x }) => x), mean(({ y }) => y)]
  const xx = mean(({ x }) => (x - mx) ** 2)
  const yy = mean(({ y }) => (y - my) ** 2)
  const xy = mean(({ x, y }) => (x - mx) * (y - my))
  const angle = Math.atan2(2 * xy, xx - yy) / 2
  return { x: mx, y: my, cos: Math.cos(angle), sin: Math.sin(angle) }
}
