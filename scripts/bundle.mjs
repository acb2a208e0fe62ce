// Bundles a command into one start-up file: what a command needs at once is read in one go, and what it
// imports lazily (progress display, plots) stays in chunks of its own. Run from the command's folder.
// Usage: bundle [ENTRY FOLDER]   (default: dist/src/bin.js, into dist/bundle)
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const beside = (name) => fileURLToPath(new URL(name, import.meta.url))
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

const [entry = 'dist/src/bin.js', outdir = 'dist/bundle'] = process.argv.slice(2)
rmSync(outdir, { recursive: true, force: true })
await build({
  entryPoints: { main: entry },
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  minifySyntax: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  plugins: [plainWidths],
  external: ['@resvg/resvg-js', '@electric-sql/pglite', 'pg', 'nats'],
  // Some dependencies are CommonJS and call require() on Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})
