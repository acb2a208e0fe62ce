import { freeSection, integer, list, number, path, text } from '@nightpipe/config'

/** Every key of reprocess.ini, once. */
export const schema = {
  store: {
    url: text('', 'the store of products: http://host:port'),
    'key file': path('', 'file with the key in it; empty: the variable NIGHTPIPE_STORE_KEY, or none', {
      digest: false,
    }),
  },
  burst: {
    id: text('', 'identity of the burst'),
    observation: text('', 'GFT_OBID of its observation, where it has several'),
  },
  pipeline: {
    config: path('', 'folder of the changed pipeline, or the name of a shipped one'),
    fields: list([], 'fields of the pipeline that show the burst: first folder of its groups; empty: all'),
    before: path('', 'output folder of the earlier pipeline: its images are compared too; empty: none'),
    'before config': path('', 'folder of the earlier pipeline, where it is to be run again'),
  },
  fill: freeSection(
    'Keys of product-build fill, as section.key = value: observation.candidates = S00012.',
    text('', 'value'),
  ),
  compare: {
    radius: number(2, 'candidates within this are the same one', { unit: 'arcsec', min: 0 }),
  },
  pictures: {
    most: integer(12, 'candidates to be shown in cut-outs', { min: 0 }),
    size: number(1, 'side of a cut-out', { unit: 'arcmin', min: 0.05 }),
    side: integer(480, 'largest side of an image on the page', { unit: 'px', min: 100, max: 2000 }),
    blink: integer(700, 'how long the blink pictures show each image', { unit: 'ms', min: 50, max: 10000 }),
  },
}
