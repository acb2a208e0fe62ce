/**
 * The frame of a pair of stars: A at (0, 0), B at (1, 0), on the plane that touches the sphere half-way between them.
 * Twelve numbers: the point half-way, A on the plane, and the two axes over the square of the distance; then the distance.
 */
export type PairFrame = Float64Array

export const pairFrame = (): PairFrame => new Float64Array(13)

/** Fills the frame of the stars a and b of `vectors` (three numbers each) and returns their distance on the plane. */
export function setPair(frame: PairFrame, vectors: Float64Array, a: number, b: number): number {
  const [ax, ay, az] = [vectors[3 * a], vectors[3 * a + 1], vectors[3 * a + 2]]
  const [bx, by, bz] = [vectors[3 * b], vectors[3 * b + 1], vectors[3 * b + 2]]
  let [mx, my, mz] = [ax + bx, ay + by, az + bz]
  const half = Math.sqrt(mx * mx + my * my + mz * mz)
  mx /= half
  my /= half
  mz /= half
  const depth = ax * mx + ay * my + az * mz // the same for both
  const [ex, ey, ez] = [(bx - ax) / depth, (by - ay) / depth, (bz - az) / depth]
  const square = ex * ex + ey * ey + ez * ez
  frame[0] = mx
  frame[1] = my
  frame[2] = mz
  frame[3] = ax / depth
  frame[4] = ay / depth
  frame[5] = az / depth
  frame[6] = ex / square
  frame[7] = ey / square
  frame[8] = ez / square
  frame[9] = (my * ez - mz * ey) / square
  frame[10] = (mz * ex - mx * ez) / square
  frame[11] = (mx * ey - my * ex) / square
  frame[12] = Math.sqrt(square)
  return frame[12]
}

/** Where star c lies in the frame of a pair, into out[at] and out[at + 1]. */
export function placeInPair(frame: PairFrame, vectors: Float64Array, c: number, out: Float64Array, at: number): void {
  const [x, y, z] = [vectors[3 * c], vectors[3 * c + 1], vectors[3 * c + 2]]
  const depth = x * frame[0] + y * frame[1] + z * frame[2]
  const [px, py, pz] = [x / depth - frame[3], y / depth - frame[4], z / depth - frame[5]]
  out[at] = px * frame[6] + py * frame[7] + pz * frame[8]
  out[at + 1] = px * frame[9] + py * frame[10] + pz * frame[11]
}
