import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finish, node } from '@nightpipe/testing'
import t from 'tap'
import {
  atomicTarget,
  blamesMachine,
  type DataError,
  discardOpenParts,
  explainSystemError,
  removeStaleParts,
  sha256OfFile,
  writeAtomically,
} from '../src/index.js'

const library = new URL('../src/index.js', import.meta.url).href

/** A process that runs a few lines with the library as `files`, and ends as they say. */
function run(code: string, folder: string) {
  return finish(node('--input-type=module', '-e', script(code)), { cwd: folder })
}

t.test('a file is replaced in one step, keeps its permissions, and nothing stays beside it', async (t) => {
  const folder = t.testdir({ 'a.csv': 'old' })
  const path = join(folder, 'a.csv')
  chmodSync(path, 0o640)
  writeAtomically(path, 'new')
  t.equal(readFileSync(path, 'utf8'), 'new')
  t.equal(statSync(path).mode & 0o777, 0o640)
  t.same(readdirSync(folder), ['a.csv'])
})

t.test('before commit the target is untouched, after discard nothing is left', async (t) => {
  const folder = t.testdir({ 'a.fits': 'old' })
  const target = atomicTarget(join(folder, 'a.fits'))
  writeFileSync(target.partial, 'half')
  t.equal(readFileSync(join(folder, 'a.fits'), 'utf8'), 'old')
  t.match(target.partial, new RegExp(`/\\.a\\.fits\\.${process.pid}-[^/]*\\.part$`))
  target.discard()
  target.discard()
  t.same(readdirSync(folder), ['a.fits'])
})

t.test(
  'without waiting for the disk the target is old until the promise is kept, then new; nothing stays',
  async (t) => {
    const folder = t.testdir({ 'a.fits': 'old', sub: {} })
    const target = atomicTarget(join(folder, 'a.fits'))
    writeFileSync(target.partial, 'new')
    const done = target.commitBehind()
    t.equal(readFileSync(join(folder, 'a.fits'), 'utf8'), 'old')
    await done
    t.equal(readFileSync(join(folder, 'a.fits'), 'utf8'), 'new')
    t.same(readdirSync(folder), ['a.fits', 'sub'])
    const onFolder = atomicTarget(join(folder, 'sub'))
    writeFileSync(onFolder.partial, 'x')
    await t.rejects(onFolder.commitBehind(), { name: 'DataError', message: /sub: it is not a plain file$/ })
    onFolder.discard()
    t.same(readdirSync(folder), ['a.fits', 'sub'])
  },
)

t.test('a symbolic link stays a link, and the file behind it is replaced', async (t) => {
  const folder = t.testdir({ real: { 'a.csv': 'old' } })
  symlinkSync('real/a.csv', join(folder, 'a.csv'))
  writeAtomically(join(folder, 'a.csv'), 'new')
  t.equal(readFileSync(join(folder, 'real/a.csv'), 'utf8'), 'new')
  t.same(readdirSync(join(folder, 'real')), ['a.csv'])
})

t.test('a name of 255 bytes can be written', async (t) => {
  const folder = t.testdir({})
  writeAtomically(join(folder, `${'é'.repeat(125)}.fits`), 'x')
  t.equal(readdirSync(folder).length, 1)
})

t.test('what cannot be written is said in one line with advice, and leaves nothing', async (t) => {
  const folder = t.testdir({ file: '', sub: {} })
  const attempt = (path: string) => {
    try {
      writeAtomically(join(folder, path), 'x')
    } catch (error) {
      return error as DataError
    }
    return undefined
  }
  t.match(attempt('nowhere/a'), { name: 'DataError', message: /^cannot write .*nowhere\/a: no such file or folder$/ })
  t.match(attempt('file/a'), { message: /a part of the path is a file/ })
  t.match(attempt('sub'), { message: /not a plain file/ })
  t.match(attempt('x'.repeat(300)), { message: /too long/ })
  t.ok(attempt('file/a')?.advice)
  t.same(readdirSync(folder), ['file', 'sub'])
})

const script = (code: string) =>
  `import * as files from ${JSON.stringify(library)}; import * as fs from 'node:fs'; ${code}`
const inBash = (command: string, code: string, cwd: string) =>
  spawnSync('bash', ['-c', command, process.execPath, '--input-type=module', '-e', script(code)], {
    cwd,
    encoding: 'utf8',
  })
const WRITE = `try { files.writeAtomically('a.csv', new Uint8Array(1e6)) } catch (e) { console.log(e.message); console.log(e.advice) }
  console.log(fs.readdirSync('.').join(), fs.readFileSync('a.csv', 'utf8'))`

/** A file system of 256 kB that nobody else sees, where the kernel allows one. */
const SMALL_DISK = `unshare -rm bash -c 'mount -t tmpfs -o size=256k none . && cd . && cd "$PWD" && echo -n old > a.csv && exec "$0" "$@"' "$0" "$@"`
const smallDisk = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0

t.test(
  'a full disk is said in one line, and the old file stays',
  { skip: !smallDisk && 'no mount here' },
  async (t) => {
    const { stdout } = inBash(SMALL_DISK, WRITE, t.testdir({}))
    t.equal(
      stdout,
      'cannot write a.csv: no space left on the disk\n' +
        'free some space there and run again: what is finished is kept\na.csv old\n',
    )
  },
)

t.test('so is a file that may not grow, and a process that may not open more', async (t) => {
  const cwd = t.testdir({ 'a.csv': 'old' })
  const grown = inBash('ulimit -f 64; exec "$0" "$@"', `process.on('SIGXFSZ', () => {}); ${WRITE}`, cwd)
  t.match(grown.stdout, /^cannot write a.csv: the file would be larger.*\n.*\na.csv old\n$/)
  const open = `const held = []; try { for (;;) held.push(fs.openSync('a.csv')) } catch {}
    try { files.writeAtomically('a.csv', 'x') } catch (e) { console.log(e.message) }`
  t.equal(
    inBash('ulimit -n 64; exec "$0" "$@"', open, cwd).stdout,
    'cannot write a.csv: this process has too many files open\n',
  )
})

t.test('killed at any moment of writing, the file is the old one or the new one, whole', async (t) => {
  const cwd = t.testdir({ 'a.bin': Buffer.alloc(2e6, 65) })
  const code = `for (let i = 0; ; i++) files.writeAtomically('a.bin', Buffer.alloc(2e6, 65 + (i % 26)))`
  for (let k = 0; k < 6; k++) {
    finish(node('--input-type=module', '-e', script(code)), { cwd, timeout: 150 + 31 * k, killSignal: 'SIGKILL' })
    const bytes = readFileSync(join(cwd, 'a.bin'))
    t.ok(bytes.length === 2e6 && bytes.every((byte) => byte === bytes[0]))
    removeStaleParts(cwd)
    t.same(readdirSync(cwd), ['a.bin'])
  }
})

t.test('a killed process leaves its part until the next one writes there; parts of the living stay', async (t) => {
  const folder = t.testdir({})
  const child = run(
    `fs.writeFileSync(files.atomicTarget('a.fits').partial, 'half'); process.kill(process.pid, 'SIGKILL')`,
    folder,
  )
  t.equal(child.signal, 'SIGKILL')
  t.equal(readdirSync(folder).length, 1)
  const mine = atomicTarget(join(folder, 'b.fits'))
  writeFileSync(mine.partial, 'half')
  removeStaleParts(folder)
  t.same(
    readdirSync(folder).map((name) => join(folder, name)),
    [mine.partial],
  )
  mine.discard()
})

t.test('a part of another host stays for a day', async (t) => {
  const folder = t.testdir({})
  const name = '.a.fits.1-0.1-ffffffffffff.part'
  writeFileSync(join(folder, name), '')
  removeStaleParts(folder)
  t.same(readdirSync(folder), [name])
  const { utimesSync } = await import('node:fs')
  utimesSync(join(folder, name), 1e9, 1e9)
  removeStaleParts(folder)
  t.same(readdirSync(folder), [])
})

t.test('at a signal the open parts go, those of other threads too', async (t) => {
  const folder = t.testdir({})
  const code = `
    import { Worker } from 'node:worker_threads'
    fs.writeFileSync(files.atomicTarget('a.fits').partial, '')
    const worker = new Worker(new URL(${JSON.stringify(new URL('./open-part.js', import.meta.url).href)}), { execArgv: [] })
    worker.on('message', async () => {
      console.log(fs.readdirSync('.').length)
      await worker.terminate()
      files.discardOpenParts(['.'])
      console.log(fs.readdirSync('.').length)
    })`
  const child = run(code, folder)
  t.equal(child.stdout, '2\n0\n', child.stderr)
  discardOpenParts()
})

t.test('the digest is that of sha256sum, for empty files and those longer than one piece', async (t) => {
  const folder = t.testdir({ empty: '' })
  mkdirSync(join(folder, 'sub'))
  t.equal(sha256OfFile(join(folder, 'empty')), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  const { createHash } = await import('node:crypto')
  const bytes = Buffer.alloc(2_500_001, 'nightpipe')
  writeFileSync(join(folder, 'long'), bytes)
  t.equal(sha256OfFile(join(folder, 'long')), createHash('sha256').update(bytes).digest('hex'))
  t.throws(() => sha256OfFile(join(folder, 'sub')), { name: 'DataError', message: /cannot read .*sub: it is a folder/ })
})

t.test('failures of the machine are told from those of the data', async (t) => {
  const said = (code: string, doing: string) =>
    explainSystemError(Object.assign(new Error(code), { code }), doing, 'a.fits').message
  for (const code of ['ENOSPC', 'EDQUOT', 'EROFS', 'EFBIG', 'EIO', 'ESTALE', 'EMFILE', 'EACCES']) {
    t.ok(blamesMachine(said(code, 'write')), code)
    t.ok(blamesMachine(`reduction: ${said(code, 'read')} (try again)`), code)
  }
  for (const line of [
    said('ENOENT', 'read'),
    said('EISDIR', 'read'),
    'a.fits: is empty',
    'no space left on the disk',
  ]) {
    t.notOk(blamesMachine(line), line)
  }
})
