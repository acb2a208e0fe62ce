/**
 * The matrix that gives the roughness of a kernel of (2 half + 1)² pixels: the sum of the squares of its second
 * differences along both axes, zero outside. Row by row.
 */
export function roughness(half: number): Float64Array {
  const side = 2 * half + 1
  const n = side * side
  const matrix = new Float64Array(n * n)
  const weights = [1, -2, 1]
  const at = (x: number, y: number) => (x < 0 || y < 0 || x >= side || y >= side ? -1 : y * side + x)
  for (let y = -1; y <= side; y++) {
    for (let x = -1; x <= side; x++) {
      for (const [dx, dy] of [
        [1, 0],
        [0, 1],
      ]) {
        const places = [-1, 0, 1].map((k) => at(x + k * dx, y + k * dy))
        places.forEach((p, i) => {
          places.forEach((q, j) => {
            if (p >= 0 && q >= 0) matrix[p * n + q] += weights[i] * weights[j]
          })
        })
      }
    }
  }
  return matrix
}
