import t from 'tap'
import { profileRecogniser } from '../src/index.js'

const header = (cards: Record<string, string>) => (keyword: string) => cards[keyword]

t.test('headers lead to the shipped profile that they belong to', async (t) => {
  const recognise = profileRecogniser()
  t.equal(recognise(header({ INSTRUME: 'RATIR   ' })), 'ratir-c1')
  t.equal(recognise(header({ INSTRUME: 'SkyCamZ', ORIGIN: 'Liverpool JMU' })), 'skycam')
  t.equal(recognise(header({ INSTRUME: 'C0', TELESCOP: 'OAN/SPM COATLI 50-cm f/8' })), 'coatli')
  t.equal(recognise(header({ INSTRUME: 'C1', TELESCOP: 'OAN COLIBRI 1.3-m' })), 'colibri')
  t.equal(recognise(header({ INSTRUME: 'STE3 CCD' })), 'saao-ste3')
})

t.test('others lead to none', async (t) => {
  const recognise = profileRecogniser()
  t.equal(recognise(header({})), undefined)
  t.equal(recognise(header({ INSTRUME: 'ACAM', TELESCOP: 'WHT' })), undefined)
})

t.test('a folder of profiles of one own serves as well', async (t) => {
  const folder = t.testdir({
    'generic.ini': '[profile]\nabout = all\n',
    'mine.ini': '[profile]\nrecognise = CAMERA:ASI*, INSTRUME:Mine\n',
    'broken.ini': '[nonsense]\n',
  })
  t.equal(profileRecogniser(folder)(header({ CAMERA: 'ASI2600' })), 'mine')
})
