/** x' = a x + b y + c, y' = d x + e y + f: [a, b, c, d, e, f]. Pixels count from 0. */
export type Affine = readonly [number, number, number, number, number, number]

/** Where a point of the one frame lies in the other. */
export function transform([a, b, c, d, e, f]: Affine, x: number, y: number): [x: number, y: number] {
  return [a * x + b * y + c, d * x + e * y + f]
}
