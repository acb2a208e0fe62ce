import { type ConfigOf, flag, integer, list, number, path, section, text } from '@nightpipe/config'

/** Every key of gp1.cfg, once: the first two of [General] and all of [pipeline-…] are those of the GP1 file. */
export const schema = {
  general: {
    input: list(undefined, 'folder watched, with all folders below it; or several'),
    log_path: path(undefined, 'folder for the log, the state and the status'),
    poll: number(2, 'folders are looked through this often, for file systems that tell no events', {
      unit: 's',
      min: 0.05,
      alias: ['poll seconds'],
    }),
    settle: number(0.3, 'a file is whole when its size is that of its FITS headers and did not change for so long', {
      unit: 's',
      min: 0,
    }),
    patience: number(120, 'a file that is not whole and did not grow for so long is given up, until it changes', {
      unit: 's',
      min: 1,
    }),
    batch: integer(200, 'most images that one call of a pipeline takes on', { min: 1 }),
    triggers: path(
      '',
      'folder of the triggers of voevent listen: each is an event, for pages and products; empty: none',
    ),
    attempts: integer(3, 'give an image up after its pipeline was killed so often over it', { min: 1 }),
  },
  products: {
    make: flag(
      false,
      'after each call of a pipeline, fill the products of the events that it observed (product-build)',
    ),
    config: path('', 'INI of product-build fill; empty: its defaults'),
    observation: text('1', 'identity of the observation of a burst (GFT_OBID)'),
    store: text('', 'store that they are sent to (product-publish), as http://127.0.0.1:5000; empty: none'),
    'key file': path('', 'file with our key for it'),
    again: number(60, 'what the store did not take is sent again after this', { unit: 's', min: 0.1 }),
  },
  pipeline: section(
    'A pipeline that images are fed to; any number of [pipeline-NAME].',
    {
      processing_strategy: text('standard', 'strategy of the pipeline'),
      identifier_header: list([], 'header keywords that decide whether an image is for this pipeline'),
      identifier_value: list([], 'their values, in the same order; all must match. A|B is either, * any letters'),
      configuration_path_dir: path(undefined, 'folder of its configuration (pipeline.cfg and its modules)'),
      workspace_dir: path(undefined, 'folder for its products'),
    },
    { pattern: true },
  ),
}

export type Gp1Schema = typeof schema
export type Gp1Config = ConfigOf<Gp1Schema>
