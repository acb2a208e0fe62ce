/**
 * Stars that must be fitted together: those nearer than `reach` to one another, directly or through others. A chain of
 * over `most` stars is cut: its stars, in the order of the list, make groups of that size.
 */
export function groupStars(x: ArrayLike<number>, y: ArrayLike<number>, reach: number, most: number): number[][] {
  const count = x.length
  const cells = new Map<number, number[]>()
  const key = (px: number, py: number) => Math.floor(py / reach) * 1048576 + Math.floor(px / reach)
  for (let i = 0; i < count; i++) {
    const k = key(x[i], y[i])
    const list = cells.get(k)
    if (list) list.push(i)
    else cells.set(k, [i])
  }
  const seen = new Uint8Array(count)
  const groups: number[][] = []
  for (let first = 0; first < count; first++) {
    if (seen[first]) continue
    const group = [first]
    seen[first] = 1
    for (let next = 0; next < group.length; next++) {
      const i = group[next]
      for (let v = -1; v <= 1; v++) {
        for (let u = -1; u <= 1; u++) {
          for (const j of cells.get(key(x[i] + u * reach, y[i] + v * reach)) ?? []) {
            if (seen[j] || Math.hypot(x[j] - x[i], y[j] - y[i]) >= reach) continue
            seen[j] = 1
            group.push(j)
          }
        }
      }
    }
    // breadth first: neighbours stay together also where a long chain is cut
    for (let k = 0; k < group.length; k += most) groups.push(group.slice(k, k + most))
  }
  return groups
}
