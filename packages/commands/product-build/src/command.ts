import type { Command } from '@nightpipe/command'
import { checkProducts } from './check.js'
import { describeProducts } from './describe.js'
import { fillProducts } from './fill.js'
import { templateProducts } from './template.js'

export const commands = [
  describeProducts,
  templateProducts,
  fillProducts,
  checkProducts,
] as unknown as readonly Command[]
