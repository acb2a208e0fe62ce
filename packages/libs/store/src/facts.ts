import type { Message } from './outbox.js'

/** What describes a kind of product. */
export interface CardFacts {
  card: string
  name: string
  description: string
  dstream: string
  instrument: string
  dpLevel: string
  prdmVer: string
  programs: readonly string[]
  /** as it came, JSON */
  descriptor: unknown
  sha256: string
}

/** What is known of a product when it comes. */
export interface ProductFacts {
  card: string
  /** of the file, without folder */
  name: string
  burstId?: string
  obsId?: string
  program?: string
  dstream?: string
  instrument?: string
  sha256: string
  size: number
  sender: string
  /** what tells it apart from others of its card: the values of the keywords of the rule */
  unicity: string
  /** the keywords of its headers */
  keywords: Readonly<Record<string, unknown>>
}

export interface Product extends ProductFacts {
  id: number
  version: number
  /** UTC, ISO */
  received: string
}

/** What became of a product that was handed over. */
export interface Taken {
  product: Product
  /** new: the first of its kind; version: another content than before; unchanged: it was there */
  state: 'new' | 'version' | 'unchanged'
}

/** What a store tells the world: something came, and what became of it. */
export type Change =
  | ({ what: 'product' } & Taken)
  | { what: 'card'; state: 'new' | 'changed' | 'unchanged'; facts: CardFacts; sender: string }

/** Puts a change into words. */
export type Announce = (change: Change) => Message

/** One condition of a search: a column, how, and with what. */
export interface Criterion {
  column: string
  operator: keyof typeof OPERATORS
  value: string
}

export const OPERATORS = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=', like: 'like' } as const

/** The columns of searches, in the order of their numbers, from 1. */
export const CARD_COLUMNS = [
  ...['card', 'name', 'description', 'dp_level', 'dstream', 'instrument', 'prdm_ver', 'programs', 'sha256'],
] as const
export const PRODUCT_COLUMNS = [
  ...['id', 'card', 'name', 'version', 'burst_id', 'obs_id', 'program', 'received', 'dstream', 'instrument', 'sha256'],
] as const

/** What stands beside a file: enough to enter it again. */
export interface Note {
  facts: ProductFacts
  version: number
  received: string
}
