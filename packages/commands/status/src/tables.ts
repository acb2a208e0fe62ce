import { defineTable, type RowOf } from '@nightpipe/table'

/** What is known of each sensor, and its last reading. */
export const sensorsTable = defineTable({
  name: 'sensors.csv',
  columns: [
    { name: 'name', type: 'text', doc: 'of the sensor', required: true },
    { name: 'pretty_name', type: 'text', doc: 'for people' },
    { name: 'subsystem', type: 'text', doc: 'that it belongs to' },
    { name: 'component', type: 'text', doc: 'that it belongs to' },
    { name: 'group', type: 'text', doc: 'what it measures' },
    { name: 'model', type: 'text', doc: 'of the device' },
    { name: 'identifier', type: 'text', doc: 'of the device' },
    { name: 'firmware', type: 'text', doc: 'of the device' },
    { name: 'type', type: 'text', doc: 'integer, float or string' },
    { name: 'unit', type: 'text', doc: 'of its values' },
    { name: 'correction_model', type: 'text', doc: 'how its raw values become values' },
    { name: 'file', type: 'text', doc: 'folder of its readings', required: true },
    { name: 'last_utc', type: 'text', doc: 'its newest reading' },
    { name: 'last_value', type: 'text', doc: 'its newest reading' },
    { name: 'last_error', type: 'integer', doc: 'its newest reading; 0: good' },
  ],
  key: ['name'],
})
export type SensorRow = RowOf<typeof sensorsTable>

/** Every file that was taken in, once. */
export const ingestedTable = defineTable({
  name: 'ingested.csv',
  columns: [
    { name: 'sha256', type: 'text', doc: 'of its bytes', required: true },
    { name: 'file', type: 'text', doc: 'its name' },
    { name: 'records', type: 'integer', doc: 'records in it' },
    { name: 'set_aside', type: 'integer', doc: 'records that are none' },
  ],
  key: ['sha256'],
  sort: [],
})

/** What could not be taken, and why. */
export const setAsideTable = defineTable({
  name: 'set-aside.csv',
  columns: [
    { name: 'file', type: 'text', doc: 'where it came from', required: true },
    { name: 'place', type: 'integer', doc: 'in the list, from 1; 0: the whole file', required: true },
    { name: 'sensor', type: 'text', doc: 'its name, where it has one' },
    { name: 'reason', type: 'text', doc: 'why' },
  ],
  key: ['file', 'place', 'reason'],
  sort: [],
})
export type SetAsideRow = RowOf<typeof setAsideTable>
