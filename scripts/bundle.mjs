// Bundles a command into one file, main.cjs, and compiles that ahead: main.cache is what V8 makes of it, so that neither
// the command nor its worker threads read and compile a megabyte of source. What a command imports lazily (progress
// display, plots) is in the file too, and is not run before it is wanted. Run from the command's folder.
// Usage: bundle [ENTRY FOLDER]   (default: dist/src/bin.js, into dist/bundle)
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'
import { build } from 'esbuild'

const beside = (name) => fileURLToPath(new URL(name, import.meta.url))
const [entry = 'dist/src/bin.js', outdir = 'dist/bundle'] = process.argv.slice(2)

/** Plain stand-ins for what yargs lays out its help with; see there. Progress on a terminal keeps the real ones. */
const plainWidths = {
  name: 'plain-widths',
  setup({ onResolve }) {
    const stands = { 'string-width': beside('plain-width.mjs'), 'wrap-ansi': beside('plain-wrap.mjs') }
    onResolve({ filter: /^(string-width|wrap-ansi)$/ }, ({ path, importer }) =>
      /node_modules\/(yargs|cliui)\//.test(importer) ? { path: stands[path] } : undefined,
    )
  },
}

/** Only scripts can be compiled ahead, and a script cannot wait at its top: what follows the imports goes into a function. */
const waitsInside = {
  name: 'waits-inside',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (path !== resolve(entry)) return undefined
      const source = readFileSync(path, 'utf8')
      const imports = source.match(/^import [^;]*;$/gm) ?? []
      const rest = imports.reduce((text, line) => text.replace(line, ''), source).replace(/^export /gm, '')
      return { contents: `${imports.join('\n')}\n;(async () => {\n${rest}\n})()` }
    })
  },
}

rmSync(outdir, { recursive: true, force: true })
const filename = join(resolve(outdir), 'main.cjs')
await build({
  entryPoints: [entry],
  outfile: filename,
  bundle: true,
  minifySyntax: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  plugins: [plainWidths, waitsInside],
  external: ['@resvg/resvg-js', '@electric-sql/pglite', 'pg', 'nats'],
  // A script that was compiled ahead cannot import: what stays outside is required.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': '__url' },
  banner: { js: '(function (require, __url) { "use strict"; const module = { exports: {} }, { exports } = module;' },
  footer: { js: '})' },
})

// Every function, not only those that run at once: the others would be compiled at their first call.
setFlagsFromString('--no-lazy')
const script = new Script(readFileSync(filename, 'latin1'), { filename })
setFlagsFromString('--lazy')
writeFileSync(join(outdir, 'main.cache'), script.createCachedData())
copyFileSync(beside('bundle-start.mjs'), join(outdir, 'main.mjs'))
