/**
 * The name under which an event is saved, as Comet chooses it: letters, digits, `_` and `.` stay, `/` becomes `_`, the rest
 * is dropped, and no name begins with a dot. (Comet adds `_` until a name is free; one event is one file here.)
 */
export function savedName(ivorn: string): string {
  const name = ivorn
    .replaceAll('/', '_')
    .replace(/[^A-Za-z0-9_.]/g, '')
    .replace(/^\.+/, '')
  return name.slice(0, 200) || 'event'
}
