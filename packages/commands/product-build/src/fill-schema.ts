import { choice, flag, integer, list, number, path, text } from '@nightpipe/config'
import { KINDS } from '@nightpipe/products'

/** Every key of product-build fill, once. */
export const fillSchema = {
  product: {
    kinds: list(['DT', 'PO', 'QF', 'QLC', 'LC', 'QTI', 'META'], `products to make, of ${KINDS.join(', ')}`),
    instrument: text('FGFT', 'the telescope, as cards end in it: FGFT or CGFT', { alias: ['suffix'] }),
    descriptor: path('', 'folder of descriptors; empty: configs/products'),
    program: text('CoreProgram', 'observing program'),
    processing: integer(1, 'version of the re-processing; from 2 on the names of files end in _v2', { min: 1 }),
    replaces: list([], 'products that these take the place of, each CARD:VERSION:SHA-256; told in NP_REPL and HISTORY'),
    'legacy zero': flag(false, 'write 0 where nothing was detected, for consumers that want it'),
  },
  observation: {
    trigger: path('', 'trigger file of voevent parse; empty: none'),
    burst: text('', 'identity of the burst, where no trigger tells it'),
    t0: text('', 'time of the trigger, ISO or MJD (UTC), where no trigger tells it'),
    'telescope id': text('', 'identity of the answer of the telescope; empty: of the first exposure, 20200729_123232'),
    'observation id': text('', 'identity of the observation'),
    filters: list([], 'configured filters, in order: tables have a row for each; empty: those of the observations'),
    candidates: list([], 'sources of the tables to take, whatever speaks against them; empty: the good ones'),
  },
  images: {
    url: text('', 'where an image can be seen, with {image} for its name; empty: nowhere'),
    naming: choice('file', ['file', 'number'], 'IMAGEID: name of the file, or S_<filter>_<number>'),
    chart: flag(true, 'finding chart (PNG) where a frame with a WCS is among the inputs'),
    'chart size': number(4, 'side of the finding chart', { unit: 'arcmin', min: 0.1 }),
    'chart url': text('', 'where charts can be seen, with {chart} for the name; empty: the name alone'),
  },
}
