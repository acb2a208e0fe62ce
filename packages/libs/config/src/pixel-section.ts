/** A rectangle of pixels: 0-based, x1 and y1 just outside. */
export interface Section {
  x0: number
  y0: number
  x1: number
  y1: number
}

export interface Size {
  width: number
  height: number
}

export const whole = (size: Size): Section => ({ x0: 0, y0: 0, x1: size.width, y1: size.height })
export const area = (s: Section): number => Math.max(0, s.x1 - s.x0) * Math.max(0, s.y1 - s.y0)
export const clip = (s: Section, size: Size): Section => intersection(s, whole(size))
export const inside = (s: Section, size: Size): boolean => area(clip(s, size)) === area(s)
export const intersection = (a: Section, b: Section): Section => ({
  x0: Math.max(a.x0, b.x0),
  y0: Math.max(a.y0, b.y0),
  x1: Math.min(a.x1, b.x1),
  y1: Math.min(a.y1, b.y1),
})

export const same = (a: Section, b: Section) => a.x0 === b.x0 && a.y0 === b.y0 && a.x1 === b.x1 && a.y1 === b.y1
export const bounds = (sections: Section[]): Section => ({
  x0: Math.min(...sections.map((s) => s.x0)),
  y0: Math.min(...sections.map((s) => s.y0)),
  x1: Math.max(...sections.map((s) => s.x1)),
  y1: Math.max(...sections.map((s) => s.y1)),
})

/** `[17:528,1:520]`, in the convention of the profile. Reversed ends are put in order. */
export function formatSection(s: Section, first = 1): string {
  return `[${s.x0 + first}:${s.x1 + first - 1},${s.y0 + first}:${s.y1 + first - 1}]`
}

/** Every section in a text; an empty one such as [1:0,1:0] or [0:0,0:0] counts as none. */
export function parseSections(text: string, first = 1): Section[] {
  const pattern = /\[\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]/g
  return [...text.matchAll(pattern)].flatMap((match) => {
    const [a, b, c, d] = match.slice(1).map(Number)
    if ([a, b, c, d].some((n) => n < first)) return []
    return [
      {
        x0: Math.min(a, b) - first,
        y0: Math.min(c, d) - first,
        x1: Math.max(a, b) - first + 1,
        y1: Math.max(c, d) - first + 1,
      },
    ]
  })
}
