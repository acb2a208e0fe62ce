import t from 'tap'
import { childNamed, childrenNamed, decodeXml, escapeXml, parseXml, textAt, XmlError } from '../src/index.js'

t.test('elements, attributes, text, CDATA and references', async (t) => {
  const root =
    parseXml(`<?xml version="1.0"?><!-- hello --><a:root xmlns:a="urn:a" xmlns='urn:b' one = "1 &lt; 2" two='"'>
    <b>x &amp; y<![CDATA[ <z> ]]>&#65;&#x1F31F;</b><a:b/><b> again </b></a:root> `)
  t.equal(root.name, 'root')
  t.equal(root.namespace, 'urn:a')
  t.same({ ...root.attributes }, { 'xmlns:a': 'urn:a', xmlns: 'urn:b', one: '1 < 2', two: '"' })
  t.same(
    root.children.map(({ name, namespace }) => [name, namespace]),
    [
      ['b', 'urn:b'],
      ['b', 'urn:a'],
      ['b', 'urn:b'],
    ],
  )
  t.equal(root.children[0]!.text, 'x & y <z> A🌟')
  t.equal(childrenNamed(root, 'b').length, 3)
  t.equal(textAt(parseXml('<a><b><c> d </c></b></a>'), 'b/c'), 'd')
  t.equal(childNamed(root, 'none/b'), undefined)
})

t.test('what was escaped comes back', async (t) => {
  const text = `a < b && "c" > 'd'`
  t.equal(parseXml(`<a b="${escapeXml(text)}">${escapeXml(text)}</a>`).attributes.b, text)
  t.equal(parseXml(`<a b="${escapeXml(text)}">${escapeXml(text)}</a>`).text, text)
})

const BOMB = `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><lolz>&lol2;</lolz>`
const HOSTILE: [string, string | Uint8Array, RegExp][] = [
  ['an entity bomb', BOMB, /line 1, column 1: a document type or entity declaration/],
  ['an external entity', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', /document type/],
  ['an entity of its own', '<a>&lol;</a>', /&lol; is no entity/],
  ['a bare ampersand', '<a>fish & chips</a>', /& is no entity/],
  ['deep nesting', '<a>'.repeat(100), /nested deeper than 64/],
  ['many elements', `<a>${'<b/>'.repeat(200_000)}</a>`, /more than 100000 elements/],
  ['a document without end', '<a><b>', /line 1, column 4: <b> is never closed/],
  ['a tag without end', '<a b="1"', /cut short/],
  ['crossed tags', '<a><b></a></b>', /<\/a> where <\/b> is due/],
  ['nothing', ' \n', /is empty/],
  ['text', 'hello', /not XML/],
  ['two documents', '<a/><b/>', /a second element/],
  ['text behind', '<a/>hello', /text after the document/],
  ['an attribute twice', '<a b="1" b="2"/>', /has b twice/],
  ['an attribute without quotes', '<a b=1/>', /not in quotes/],
  ['a prefix of nowhere', '<x:a/>', /prefix x is not declared/],
  ['a control character', '<a>\u0000</a>', /control character/],
  ['a surrogate by number', '<a>&#xD800;</a>', /no entity/],
  ['bytes that are not UTF-8', Uint8Array.of(0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e), /not UTF-8/],
  ['UTF-16 that is not', Buffer.from('<?xml version="1.0" encoding="UTF-16"?><a/>'), /the bytes are not/],
  ['an encoding nobody has', Buffer.from('<?xml version="1.0" encoding="EBCDIC-37"?><a/>'), /encoding ebcdic-37/],
  ['a picture', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13), /NUL|UTF-8/],
]
for (const [what, document, message] of HOSTILE) {
  t.test(`${what} is refused at once`, async (t) => {
    const start = process.cpuUsage()
    t.throws(() => parseXml(document, { bytes: 2 ** 22 }), { name: 'XmlError', message })
    const { user, system } = process.cpuUsage(start)
    t.ok(user + system < 1e6, 'within a second of computing')
  })
}

t.test('a document over the limit is not even decoded', async (t) => {
  t.throws(() => parseXml(new Uint8Array(2 ** 20 + 1)), /more than the 1048576 that are read/)
})

t.test('other encodings are read as they say', async (t) => {
  t.equal(decodeXml(Buffer.from('\ufeff<a>é</a>', 'utf16le')), '<a>é</a>')
  const latin = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>', 'latin1')
  t.equal(parseXml(latin).text, 'é')
  t.ok(new XmlError('x') instanceof Error)
})
