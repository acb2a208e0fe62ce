import { choice, integer, isFree, isSection, type Keys, keysOf, list, number, type Schema, text } from './options.js'

/** What every command's INI has. */
export const commonSchema = {
  'input and output': {
    input: list([], 'frames to read where --input is not given: folders, files, globs or @lists', { digest: false }),
    output: text('', 'folder for the products where --output is not given', { digest: false }),
  },
  instrument: {
    profile: text('generic', 'instrument profile: a name in configs/instruments or an INI file', { digest: false }),
  },
  output: {
    compress: choice('none', ['none', 'RICE_1', 'GZIP_1', 'GZIP_2', 'HCOMPRESS_1'], 'tile compression of images', {
      synonyms: { no: 'none', off: 'none', yes: 'RICE_1', on: 'RICE_1', rice: 'RICE_1', gzip: 'GZIP_2' },
    }),
    quantize: number(16, 'levels for each sigma of the noise when float images are compressed; 0 keeps every bit', {
      unit: 'levels per sigma',
      min: 0,
      max: 65536,
    }),
    dither: choice(
      'SUBTRACTIVE_DITHER_1',
      ['none', 'SUBTRACTIVE_DITHER_1', 'SUBTRACTIVE_DITHER_2'],
      'dithering of quantised floats',
    ),
    'dither seed': integer(1, 'start of the dither sequence', { min: 1, max: 10000 }),
  },
}

/** A command's schema with the common sections before its own; a section that both have gets the keys of both. */
export function withCommon<S extends Schema>(schema: S): S & typeof commonSchema {
  const merged: Record<string, Schema[string]> = { ...commonSchema }
  for (const [part, declared] of Object.entries(schema)) {
    const common = commonSchema[part as keyof typeof commonSchema] as Keys | undefined
    merged[part] = common && !isSection(declared) && !isFree(declared) ? { ...common, ...keysOf(declared) } : declared
  }
  return merged as S & typeof commonSchema
}
