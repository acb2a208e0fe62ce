import t, { type Test } from 'tap'
import { flag, list, loadConfig, mostSpecific, number, path, section, text } from '../src/index.js'

const file = (t: Test, content: string) => `${t.testdir({ 'seed.cfg': content })}/seed.cfg`

t.test('reduction.cfg of the observatory is read as it is', async (t) => {
  const content = `[Input and Output]
input  = /data/raw/
output = /data/red
[Calibration]
dark = /data/dark.fits
flat = /data/flat.fits
bias = /data/bias.fits
[Parameters]
ps            = 0.000195
gain          = 6.2
sat_level     = 7000\t
detect_thresh = 1
`
  const schema = {
    'input and output': { input: list([], 'in'), output: text('', 'out') },
    calibration: { dark: path('', 'dark'), flat: path('', 'flat'), bias: path('', 'bias') },
    parameters: {
      ps: number(0, 'pixel scale', { unit: 'deg' }),
      gain: number(1, 'gain', { unit: 'e/ADU' }),
      'sat level': number(65535, 'saturation', { unit: 'ADU' }),
      'detect thresh': number(1.5, 'detection threshold', { unit: 'sigma' }),
    },
  }
  const { values } = loadConfig(schema, { file: file(t, content) })
  t.same(values['input and output'], { input: ['/data/raw/'], output: '/data/red' })
  t.same(values.calibration, { dark: '/data/dark.fits', flat: '/data/flat.fits', bias: '/data/bias.fits' })
  t.same(values.parameters, { ps: 0.000195, gain: 6.2, 'sat level': 7000, 'detect thresh': 1 })
})

t.test('pipeline.cfg: blanks in names, any case, trailing tabs, "Photometry =no"', async (t) => {
  const content = `# Pipelines
[Workspace]
headers = TRGID,INSTRUME,FILTER
[Structure of pipeline]
reduction = yes\t
findstars = no
Photometry =no
Image subtraction = no
Summary = YES
[Strategy processing]
mode = standard\t\t
`
  const schema = {
    workspace: { headers: list([], 'keywords') },
    'structure of pipeline': {
      reduction: flag(false, 'r'),
      findstars: flag(true, 'f'),
      photometry: flag(true, 'p'),
      'image subtraction': flag(true, 's'),
      summary: flag(false, 's'),
    },
    'strategy processing': { mode: text('', 'mode') },
  }
  const { values } = loadConfig(schema, { file: file(t, content) })
  t.same(values.workspace.headers, ['TRGID', 'INSTRUME', 'FILTER'])
  t.same(values['structure of pipeline'], {
    reduction: true,
    findstars: false,
    photometry: false,
    'image subtraction': false,
    summary: true,
  })
  t.equal(values['strategy processing'].mode, 'standard')
})

t.test('gp1.cfg: a section for each pipeline', async (t) => {
  const content = `[General]
input    = /watched
log_path = /log
[pipeline-test]
processing_strategy = standard
identifier_header   = EXPTYPE,OBSERVER
identifier_value    = object,svom
configuration_path_dir = /conf
workspace_dir       = /work
[pipeline-colibri]
identifier_value    = object,colibri
workspace_dir       = /work2
`
  const keys = {
    'processing strategy': text('standard', 's'),
    'identifier header': list(['EXPTYPE'], 'h'),
    'identifier value': list([], 'v'),
    'configuration path dir': path('', 'c'),
    'workspace dir': path(undefined, 'w'),
  }
  const schema = {
    general: { input: text('', 'i'), 'log path': path('', 'l') },
    pipeline: section('p', keys, { pattern: true }),
  }
  const { values } = loadConfig(schema, { file: file(t, content) })
  t.same(Object.keys(values.pipeline), ['test', 'colibri'])
  t.same(values.pipeline.test['identifier value'], ['object', 'svom'])
  t.same(values.pipeline.colibri['identifier header'], ['EXPTYPE'])
})

t.test('limits: the more a section name says, the more it counts', async (t) => {
  const content = `[limits]
mean_min=-2
[limits.flat]
mean_min = 0.98
rms_max = 0.1
[limits.Dark]
mean min = -7
[limits.dark.C1]
rms_max = 9
`
  const keys = { 'mean min': number(-5, 'm'), 'rms max': number(3, 'r') }
  const schema = { limits: section('limits of a master', keys, { pattern: true }) }
  const { values } = loadConfig(schema, { file: file(t, content) })
  t.same(mostSpecific(values.limits, ['bias', 'C1', 'r']), { 'mean min': -2, 'rms max': 3 })
  t.same(mostSpecific(values.limits, ['flat', 'C1', 'r']), { 'mean min': 0.98, 'rms max': 0.1 })
  t.same(mostSpecific(values.limits, ['dark', 'C1', 'w']), { 'mean min': -7, 'rms max': 9 })
  t.same(mostSpecific(values.limits, ['dark', 'C2', 'w']), { 'mean min': -7, 'rms max': 3 })
})
