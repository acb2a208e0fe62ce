import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Chain, call, type ExposureRow, inputList, type Trouble } from '@nightpipe/chain'
import { inTree } from '@nightpipe/spectrographs'

/** The bundles of stars that are new, or have none yet. */
export async function packExposures(
  chain: Chain,
  rows: readonly ExposureRow[],
  worked: ReadonlySet<ExposureRow>,
): Promise<Trouble[]> {
  const { tree } = chain
  const stars = rows.filter(({ type, status, product }) => type === 'object' && status === 'done' && product)
  const bundle = (name: string) => inTree(tree, 'tar', `${bundleName(name)}.tar.gz`)
  const wanted = stars.filter((row) => worked.has(row) || !existsSync(bundle(row.name)))
  if (wanted.length === 0) return []
  const paths = wanted.map(({ product }) => join(tree.folder, product!))
  const { code, message } = await call(chain, 'pack', ['--input', inputList(chain, 'pack', paths)])
  return code === 0 ? [] : [{ step: 'pack', reason: message ?? `pack ended with ${code}` }]
}

/** `cptnrs03-fa13-20181128-0005-e00` is `…-e91` once it is reduced. */
const bundleName = (name: string) => name.replace(/00$/, '91')
