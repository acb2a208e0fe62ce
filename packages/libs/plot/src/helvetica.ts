/** Widths of Helvetica in thousandths of its size, from the blank to the tilde (Adobe's metrics of the standard fonts). */
const WIDTHS = [
  ...[278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556],
  ...[556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667],
  ...[556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556],
  ...[556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722],
  ...[500, 500, 500, 334, 260, 334, 584],
]

/** What the font has not, in letters that it has. */
const SPELT: Readonly<Record<string, string>> = {
  '−': '-',
  '–': '-',
  '—': '-',
  '…': '...',
  '′': "'",
  '″': '"',
  α: 'alpha',
  β: 'beta',
  γ: 'gamma',
  δ: 'delta',
  Δ: 'Delta ',
  λ: 'lambda',
  μ: 'µ',
  σ: 'sigma',
  χ: 'chi',
  '⁻': '-',
}

/** A text in the letters of Latin 1. */
export const latinText = (text: string): string =>
  [...text].map((sign) => SPELT[sign] ?? (sign.codePointAt(0)! < 256 ? sign : '?')).join('')

/** How long a Latin text is at size 1; bold letters are a little wider. */
export function textWidth(text: string, bold: boolean): number {
  let width = 0
  for (const sign of text) width += WIDTHS[sign.charCodeAt(0) - 32] ?? 556
  return (width / 1000) * (bold ? 1.06 : 1)
}
