export {
  type Announce,
  CARD_COLUMNS,
  type CardFacts,
  type Change,
  type Criterion,
  OPERATORS,
  PRODUCT_COLUMNS,
  type Product,
  type ProductFacts,
  type Taken,
} from './facts.js'
export type { Message } from './outbox.js'
export { openSql, type Queries, type Sql } from './sql.js'
export { openStore, type Store, type StorePlaces } from './store.js'
