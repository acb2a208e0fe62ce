// The pages of docs/commands, from what commands say of themselves. Data in, text out.

const GENERATED = '<!-- Written by scripts/build-docs.mjs from the command itself: change it there. -->'

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`

/** A cell of a Markdown table. */
const cell = (text) => String(text).replaceAll('|', '\\|').replace(/\s+/g, ' ').trim()

function table(heads, rows) {
  const lines = [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`)
  return lines.join('\n')
}

const part = (title, ...blocks) =>
  blocks.every((block) => !block) ? '' : [`## ${title}`, ...blocks].filter(Boolean).join('\n\n')
const page = (...blocks) => `${[GENERATED, ...blocks.filter(Boolean)].join('\n\n')}\n`
const code = (lines, language = 'sh') => `\`\`\`${language}\n${lines.join('\n')}\n\`\`\``

/** The page of one command. */
export function manualPage(about, fileName) {
  const own = about.flags.filter((flag) => !flag.common)
  const common = about.flags.filter((flag) => flag.common)
  return page(
    `# ${about.name}`,
    sentence(about.summary),
    part('Synopsis', code([about.usage])),
    part('Description', about.description),
    part('Examples', examples(about.examples)),
    part('Flags', flagTable(own), own.length && common.length ? 'As every command has them:' : '', flagTable(common)),
    about.config.length > 0 ? part('Configuration', configIntro(about, fileName), ...sections(about.config)) : '',
    about.tables.length > 0 ? report(about.tables[0]) : '',
    ...about.tables
      .slice(1)
      .map((one) => part(`Table ${one.name.replace(/(\.csv)?$/, '.csv')}`, one.doc, columnTable(one))),
    part(
      'Exit codes',
      table(
        ['code', 'meaning'],
        about.exitCodes.map(({ code: n, meaning }) => [n, meaning]),
      ),
    ),
    part('See also', `[All commands](README.md), [nightpipe](nightpipe.md), [glossary](../glossary.md).`),
  )
}

const report = (own) => part('Report', `\`DIR/${own.name}.csv\`, a row for each input:`, columnTable(own))

function examples(list) {
  if (list.length === 0) return ''
  return code(list.flatMap(({ run, doc }, i) => [...(i ? [''] : []), ...(doc ? [`# ${doc}`] : []), run]))
}

function flagTable(flags) {
  if (flags.length === 0) return ''
  return table(
    ['flag', 'meaning'],
    flags.map((flag) => [flagHead(flag), flagMeaning(flag)]),
  )
}

function flagHead({ name, alias, type, placeholder }) {
  const value = type === 'flag' ? '' : ` ${placeholder ?? (type === 'integer' || type === 'number' ? 'N' : 'VALUE')}`
  return `${alias ? `\`-${alias}\` ` : ''}\`--${name}${value}\``
}

function flagMeaning({ doc, choices, config }) {
  const words = choices && !choices.every((word) => doc.includes(word)) ? ` (${choices.join(', ')})` : ''
  return doc + words + (config ? `; short for \`--set ${config}=…\`` : '')
}

const configIntro = ({ name }, fileName) =>
  `Keys of the INI given by \`--config\`, or one at a time by \`--set section.key=value\`. ` +
  `A sample with every key: [${fileName}.ini](../../configs/samples/${fileName}.ini). ` +
  `\`${name} --print-config\` prints what is in force, and where it comes from.`

function sections(rows) {
  const names = [...new Set(rows.map((row) => row.section))]
  return names.map((name) => {
    const keys = rows.filter((row) => row.section === name)
    const lines = keys.map((row) => [
      `\`${row.key === 'ANY' ? 'any key' : row.key}\`${row.alias.length ? ` (also ${row.alias.map((a) => `\`${a}\``).join(', ')})` : ''}`,
      row.required ? 'must be given' : row.default === '' ? '' : `\`${row.default}\``,
      row.unit,
      row.expects === 'text' ? row.doc : `${row.doc} (${row.expects})`,
    ])
    return `### [${name}]\n\n${table(['key', 'default', 'unit', 'meaning'], lines)}`
  })
}

const columnTable = ({ columns }) =>
  table(
    ['column', 'type', 'unit', 'meaning'],
    columns.map(({ name, type, unit = '', doc }) => [`\`${name}\``, type, unit, doc]),
  )

/** The list of all commands. */
export function indexPage(list, fileName) {
  const rows = list.map(({ name, summary }) => [`[${name}](${fileName(name)}.md)`, summary])
  return page(
    '# The commands',
    'Each is a program of its own; [nightpipe](nightpipe.md) runs them too, and answers what comes after.',
    table(['command', 'what it does'], rows),
  )
}

/** The page of the front door. */
export function frontDoorPage({ name, verbs }) {
  return page(
    `# ${name}`,
    'The front door: runs and lists the commands, tells what products were made from, remakes them.',
    part(
      'Synopsis',
      code([`${name} COMMAND [flags]`, ...verbs.map(({ usage }) => `${name} ${usage}`), `${name} --version`]),
    ),
    'A COMMAND runs as if it were called itself: same terminal, same pipes, signals and exit code. `nightpipe help COMMAND` prints its help.',
    ...verbs.map((verb) => part(`${name} ${verb.name}`, sentence(verb.summary), verb.description, verbFlags(verb))),
    part(
      'Exit codes',
      '0 done; 1 a bug of ours; 2 wrong flag or word; 3 the files cannot be used; 4 ran well, and the verdict is no ' +
        '(`tables check`, `doctor`, `reproduce`, `why --check`). Those of a command are handed through.',
    ),
    part('See also', '[All commands](README.md), [glossary](../glossary.md).'),
  )
}

function verbFlags({ flags }) {
  const rows = Object.entries(flags).map(([name, { placeholder, doc }]) => [
    `\`--${name}${placeholder ? ` ${placeholder}` : ''}\``,
    doc,
  ])
  return rows.length ? table(['flag', 'meaning'], rows) : ''
}
