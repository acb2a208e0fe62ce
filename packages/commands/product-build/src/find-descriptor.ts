import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { profileFolder } from '@nightpipe/config'
import { DataError } from '@nightpipe/files'
import { type Descriptor, type Fault, parseDescriptor, readDescriptorJson } from '@nightpipe/products'

/** The descriptors that come with the toolkit: configs/products. */
export function shippedFolder(): string | undefined {
  const instruments = profileFolder()
  const folder = instruments && join(dirname(instruments), 'products')
  return folder && existsSync(folder) ? folder : undefined
}

/** Tab-separated text as it is written anywhere; what is not UTF-8 is refused. */
export function readText(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path))
  } catch (error) {
    if (error instanceof TypeError) throw new DataError(`${path} is not UTF-8`, 'save it as UTF-8 text')
    throw new DataError(`cannot read ${path}: ${(error as Error).message}`)
  }
}

/** Shared sets lie beside the descriptor, in imports/ beside it, or among the shipped ones. */
export function setReader(path: string): { read: (name: string) => string | undefined; used: string[] } {
  const used: string[] = []
  const read = (name: string) => {
    // A set is named, not pointed at: a descriptor from elsewhere reads no file of ours.
    if (name !== basename(name) || name === '..') return undefined
    const folders = [dirname(path), join(dirname(path), 'imports'), shippedFolder()]
    const found = folders.map((folder) => folder && join(folder, name)).find((file) => file && existsSync(file))
    if (!found) return undefined
    used.push(found)
    return readText(found)
  }
  return { read, used }
}

/** All faults in one message, a line each. */
export const told = (faults: readonly Fault[]) =>
  faults.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n')

/** A descriptor from TSV or JSON; its faults make it useless. `files`: what it was read from. */
export function loadDescriptor(path: string): { descriptor: Descriptor; files: string[] } {
  const text = readText(path)
  if (/\.json$/i.test(path)) {
    const { descriptor, problems } = readDescriptorJson(text)
    if (!descriptor) throw new DataError(`${path} is no descriptor: ${problems.join('; ')}`)
    return { descriptor, files: [path] }
  }
  const { read, used } = setReader(path)
  const { descriptor, faults } = parseDescriptor(text, basename(path), read)
  if (faults.length > 0)
    throw new DataError(told(faults), 'product-build describe tells the same of many files at once')
  return { descriptor, files: [path, ...new Set(used)] }
}

/** The file that describes a card: in `folder` (or it is a file itself), else among the shipped ones. */
export function findDescriptor(card: string, folder: string): string {
  if (folder !== '' && existsSync(folder) && statSync(folder).isFile()) return folder
  const folders = [folder, shippedFolder()].filter((one): one is string => Boolean(one))
  for (const each of folders) {
    for (const ending of ['.json', '.tsv']) {
      const path = join(each, `${basename(card)}${ending}`)
      if (existsSync(path)) return path
    }
  }
  throw new DataError(`no descriptor of ${card} in ${folders.join(' or ')}`, 'name one by --descriptor')
}
