import type { Figure } from './svg.js'

/** Figures one below the other, moved there: as pictures within the picture each would be painted on a canvas of its own. */
export function stacked(figures: readonly Figure[]): Figure {
  const width = Math.max(1, ...figures.map((one) => one.width))
  let y = 0
  const parts = figures.map(({ svg, height }, k) => {
    const own = svg.replaceAll('id="plot"', `id="plot${k}"`).replaceAll('url(#plot)', `url(#plot${k})`)
    const placed = own
      .replace(/^[\s\S]*?<svg [^>]*>/, `<g transform="translate(0 ${y})">`)
      .replace(/<\/svg>\s*$/, '</g>')
    y += height
    return placed
  })
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}">`
  return { svg: `${head}\n${parts.join('\n')}\n</svg>\n`, width, height: y }
}
