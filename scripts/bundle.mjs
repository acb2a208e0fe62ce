// Bundles a command into one start-up file: what a command needs at once is read in one go, and what it
// imports lazily (progress display, plots) stays in chunks of its own. Run from the command's folder.
// Usage: bundle [ENTRY FOLDER]   (default: dist/src/bin.js, into dist/bundle)
import { rmSync } from 'node:fs'
import { build } from 'esbuild'

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
  external: ['@resvg/resvg-js'],
  // Some dependencies are CommonJS and call require() on Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})
