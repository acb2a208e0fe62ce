import type { Header, Kept } from './side.js'

/** One way in which two sides differ, and what would mend it. */
export interface Difference {
  product: string
  difference: 'missing left' | 'missing right' | 'name' | 'version' | 'HDUs' | 'keyword' | 'content'
  /** of a keyword */
  detail: string
  left: string
  right: string
  /** POST: send it to that side; UPDATE: one of them is not the newest */
  mend: string
}

/** Keywords that tell how a file was written, and differ without meaning. */
const FORM = /^(CHECKSUM|DATASUM|ZHECKSUM|ZDATASUM)$/

/** All differences, by product; the newest of each side is compared, and older versions are counted. */
export async function compareSides(
  left: readonly Kept[],
  right: readonly Kept[],
  ignore: readonly string[],
): Promise<Difference[]> {
  const [a, b] = [byKey(left), byKey(right)]
  const keys = [...new Set([...a.keys(), ...b.keys()])].sort()
  const found: Difference[] = []
  for (const key of keys) found.push(...(await compareKey(key, a.get(key), b.get(key), ignore)))
  return found
}

function byKey(side: readonly Kept[]): Map<string, Kept[]> {
  const groups = new Map<string, Kept[]>()
  for (const one of side) groups.set(one.key, [...(groups.get(one.key) ?? []), one])
  for (const group of groups.values()) group.sort((a, b) => a.version - b.version || (a.name < b.name ? -1 : 1))
  return groups
}

async function compareKey(
  key: string,
  left: Kept[] | undefined,
  right: Kept[] | undefined,
  ignore: readonly string[],
): Promise<Difference[]> {
  const base = { product: key, detail: '' }
  const [a, b] = [left?.at(-1), right?.at(-1)]
  if (!a || !b) {
    const difference = a ? ('missing right' as const) : ('missing left' as const)
    return [{ ...base, difference, left: a?.name ?? '', right: b?.name ?? '', mend: a ? 'POST right' : 'POST left' }]
  }
  const found: Difference[] = []
  const differ = (
    difference: Difference['difference'],
    l: string | number,
    r: string | number,
    mend: string,
    detail = '',
  ) => found.push({ ...base, difference, detail, left: String(l), right: String(r), mend })
  const plain = (name: string) => name.replace(/^.*\//, '')
  if (plain(a.name) !== plain(b.name)) differ('name', a.name, b.name, 'rename')
  if (a.version !== b.version)
    differ('version', a.version, b.version, a.version > b.version ? 'UPDATE right' : 'UPDATE left')
  if (a.sha256 === b.sha256) return found
  const [first, second] = [await a.headers(), await b.headers()]
  const mend = a.version === b.version ? 'UPDATE' : a.version > b.version ? 'UPDATE right' : 'UPDATE left'
  if (first.length !== second.length) differ('HDUs', first.length, second.length, mend)
  const before = found.length
  for (let k = 0; k < Math.min(first.length, second.length); k++) {
    for (const { name, l, r } of keywordsThatDiffer(first[k]!, second[k]!, ignore))
      differ('keyword', l, r, mend, `${name} of HDU ${k}`)
  }
  if (found.length === before) differ('content', a.sha256.slice(0, 12), b.sha256.slice(0, 12), mend)
  return found
}

function keywordsThatDiffer(a: Header, b: Header, ignore: readonly string[]) {
  const names = [...new Set([...a.keys(), ...b.keys()])].filter((name) => !FORM.test(name) && !ignore.includes(name))
  return names.flatMap((name) => {
    const [l, r] = [a.get(name) ?? 'none', b.get(name) ?? 'none']
    return l === r ? [] : [{ name, l, r }]
  })
}
