import t from 'tap'
import { chooseArcs } from '../src/choose-arcs.js'

t.test('x', async (t) => t.type(chooseArcs, 'function'))
