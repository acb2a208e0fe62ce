import { flag, freeSection, integer, list, number, path, text } from '@nightpipe/config'
import { followSchema, placeSchema } from '@nightpipe/messages'

/** Every key of product-store serve, once. */
export const serveSchema = {
  server: {
    host: text('127.0.0.1', 'address to listen on'),
    port: integer(5000, 'port to listen on; 0: any that is free', { min: 0, max: 65535 }),
    'largest upload': number(200, 'a larger file is refused', { unit: 'MB', min: 0.001 }),
    'at once': integer(100, 'uploads at once; further ones are asked to come later', { min: 1 }),
  },
  database: {
    url: path('', 'URL of a PostgreSQL server; empty: an embedded database in the store'),
  },
  access: {
    open: flag(false, 'take products of anybody, without a key; only for a host of 127.0.0.1'),
    'open search': flag(true, 'searches and exports need no key'),
  },
  messages: {
    ...placeSchema,
    subject: text('products', 'first word of the subjects of messages: products.product.new.LC_GFT_FGFT'),
  },
  keys: freeSection('Who may send: NAME = key, or sha256:HEX of it.', text('', 'key, or sha256:HEX of it')),
  products: {
    programs: list([], 'programs whose products are taken; empty: those of the descriptor'),
    descriptors: path('', 'folder of descriptors that the store begins with; empty: configs/products'),
  },
}

/** Every key of product-store subscribe, once. */
export const subscribeSchema = {
  messages: {
    ...placeSchema,
    subject: text('products.>', 'messages that are wanted; * is any word, > at the end any rest'),
    ...followSchema,
  },
  command: {
    run: text('', 'shell command for each message, which gets it on its standard input; empty: they are printed'),
    timeout: number(600, 'it is stopped after this, and the message comes again', { unit: 's', min: 0.1 }),
  },
}
