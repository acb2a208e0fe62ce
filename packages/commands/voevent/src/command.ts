import { type Command, defineConductor } from '@nightpipe/command'
import { listen } from './listen.js'
import { parse } from './parse.js'
import { eventsTable } from './record.js'
import { eventSchema, listenSchema } from './schema.js'
import { send, sendSchema } from './send.js'

const EVENT_FILES = ['.xml', '.voevent']

/** Events into trigger files. */
export const voeventParse = defineConductor({
  name: 'voevent',
  subcommand: 'parse',
  summary: 'VOEvents into trigger files, one for each burst',
  description:
    'Reads VOEvents 1.1, 2.0 and 2.1 from files, or one from standard input where no --input is given, and writes ' +
    'trigger_<burst>.dat (an INI) and trigger_<burst>.json into the output folder. Later notices of a burst are merged: the ' +
    'smallest error circle and the earliest time stay, a retraction switches the trigger off. Events of role test or ' +
    'utility, and those that name no burst, make no trigger: that is no error. An event that came before changes nothing. ' +
    'Every event is kept in events/, and has a row in events.csv.',
  examples: [
    { run: 'voevent parse --output triggers/ < event.xml', doc: 'one event, as a broker hands it to a command' },
    { run: 'voevent parse --input events/ --output triggers/', doc: 'a folder of events' },
  ],
  schema: eventSchema,
  flags: {
    'accept-test': { type: 'flag', doc: 'events of role test make triggers too' },
    received: { type: 'text', doc: 'when they came, for the records (default: now)', placeholder: 'DATE' },
  },
  measurements: [],
  tables: [eventsTable],
  inputs: 'optional',
  extensions: EVENT_FILES,
  conduct: parse,
})

/** The broker. */
export const voeventListen = defineConductor({
  name: 'voevent',
  subcommand: 'listen',
  summary: 'receives VOEvents from authors and from other brokers, makes triggers, passes them on',
  description:
    'A VTP broker and subscriber. Authors send events to [broker] receive; brokers named in [broker] remotes are subscribed ' +
    'to, and called again when they fall silent; NATS ([nats] url) and a folder ([folder] watch) bring events too; subscribers of [broker] broadcast get every event that comes, once. Events ' +
    'become triggers as with voevent parse, and [command] run is started for them, one at a time, with the XML on its ' +
    'standard input and VOEVENT_IVORN, VOEVENT_BURST, VOEVENT_TRIGGER and VOEVENT_STATE in its environment. Ends on Ctrl-C ' +
    'or SIGTERM, after the event at hand. Comet users: --receive is [broker] receive, --remote is [broker] remotes, --cmd ' +
    'is [command] run, which takes arguments.',
  examples: [
    { run: 'voevent listen --output triggers/', doc: 'events of this machine' },
    {
      run: 'voevent listen -r triggers/ --set broker.remotes=voevent.example.org:8099 --set command.run="gp1-alert.sh"',
      doc: 'those of a remote broker, with a command for each trigger',
    },
  ],
  schema: listenSchema,
  flags: { count: { type: 'integer', doc: 'end after so many new events', placeholder: 'N' } },
  measurements: [],
  tables: [eventsTable],
  inputs: 'none',
  conduct: listen,
})

/** Events to a broker. */
export const voeventSend = defineConductor({
  name: 'voevent',
  subcommand: 'send',
  summary: 'VOEvents to a broker; done when it acknowledges each',
  description:
    'Sends events from files, or one from standard input, to a VTP broker. Exit code 0 only when every one was ' +
    'acknowledged; else the reason of the refusal is told.',
  examples: [{ run: 'voevent send --input event.xml --to 127.0.0.1:8098', doc: 'to a broker of this machine' }],
  schema: sendSchema,
  flags: {
    to: { type: 'text', doc: 'the broker, as host:port', placeholder: 'HOST:PORT', config: 'broker.to' },
    timeout: { type: 'number', doc: 'seconds to wait for its answer (default: 30)', placeholder: 'SECONDS' },
  },
  measurements: [],
  inputs: 'optional',
  prints: true,
  extensions: EVENT_FILES,
  conduct: send,
})

export const commands = [voeventParse, voeventListen, voeventSend] as unknown as readonly Command[]
