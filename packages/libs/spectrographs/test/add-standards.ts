// Enters ten products in the tree that is named: a worker for workers.test.ts.
import { addStandard } from '../src/index.js'

const [folder, site, first] = process.argv.slice(2) as [string, string, string]
const tree = { folder, site, camera: 'fl13', instrument: 'nres03' }
for (let k = 0; k < 10; k++) {
  const mjd = 58000 + Number(first) + k / 100
  const path = `${folder}/bias/BIAS${site}2017${String(247 + Number(first)).padStart(3, '0')}.${String(k * 1000).padStart(5, '0')}.fits`
  await addStandard(tree, { type: 'BIAS', path, averaged: 1, camera: 'fl13', mjd })
}
