import { flag, freeSection, integer, list, number, path, text } from '@nightpipe/config'
import { followSchema, placeSchema } from '@nightpipe/messages'

/** What becomes of an event, however it came. */
export const eventSchema = {
  events: {
    'accept tests': flag(false, 'events of role test make triggers too'),
    save: flag(true, 'keep every event as events/<name>.xml, under the name that Comet gives'),
  },
  layout: freeSection(
    'Sections of the trigger file and what stands in them, comma separated: facts, or key=fact. Empty: as the manual shows.',
    text('', 'facts'),
  ),
}

/** The broker. Addresses are host:port, or a port of this machine. */
export const listenSchema = {
  ...eventSchema,
  broker: {
    ivo: text('ivo://nightpipe/broker', 'the name under which it answers'),
    receive: text('127.0.0.1:8098', 'where authors send events to; empty: nowhere'),
    broadcast: text('', 'where subscribers get events from, as 127.0.0.1:8099; empty: nowhere'),
    remotes: list([], 'brokers to subscribe to, as voevent.example.org:8099'),
    authors: list(['127.0.0.0/8', '::1/128'], 'networks that may send'),
    subscribers: list(['127.0.0.0/8', '::1/128'], 'networks that may subscribe'),
    filter: text(
      '',
      'rule that events of remotes, of NATS and of the folder must meet, as //Param[@name="SNR"]/@value > 7; empty: all',
    ),
  },
  nats: {
    ...placeSchema,
    subject: text('voevent.>', 'messages that hold events, as XML; * is any word, > at the end any rest'),
    ...followSchema,
  },
  folder: {
    watch: path('', 'folder into which others put events; they are moved to taken/ or refused/ in it. Empty: none'),
    settle: number(0.5, 'a file that has not changed for so long is whole', { unit: 's', min: 0 }),
    patience: number(30, 'a file that is no event and has not changed for so long is refused', { unit: 's', min: 0 }),
    poll: number(2, 'it is looked through this often where the file system tells no events', { unit: 's', min: 0.05 }),
  },
  timing: {
    alive: number(60, 'how often subscribers are asked whether they are there', { unit: 's', min: 0.05 }),
    silence: number(120, 'a remote that says nothing for so long is called again', { unit: 's', min: 0.1 }),
    idle: number(20, 'an author that sends nothing for so long is cut off', { unit: 's', min: 0.1 }),
    'first wait': number(1, 'wait before a remote is called again; doubles each time', { unit: 's', min: 0.01 }),
    'longest wait': number(300, 'and grows no longer than this', { unit: 's', min: 0.01 }),
  },
  command: {
    run: text(
      '',
      'shell command for each new event, which gets the XML on its standard input; empty: none. What it has not been given when the listener ends or is killed, it is given at the next start',
    ),
    'triggers only': flag(true, 'only for events that make or change a trigger'),
    timeout: number(600, 'it is stopped after this', { unit: 's', min: 0.1 }),
    waiting: integer(1000, 'events that may wait for it; further ones are kept, but not given to it', { min: 1 }),
  },
}
