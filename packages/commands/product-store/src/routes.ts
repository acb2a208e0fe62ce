/** What the service answers to, once: the routes, the OpenAPI document and its page follow from here. */
export interface Route {
  method: 'GET' | 'POST'
  /** `:name` for a part of the path */
  path: string
  name: 'home' | 'health' | 'card' | 'product' | 'cards' | 'products' | 'facts' | 'file' | 'openapi' | 'page'
  about: string
  /** a key is needed */
  key: boolean
  /** the field of the upload, in any case */
  upload?: string
  query?: Readonly<Record<string, string>>
  answers: Readonly<Record<number, string>>
}

const REFUSALS = {
  400: 'the request is malformed, or the name of the file is none',
  401: 'no key, or a wrong one',
  413: 'the file is too large',
  415: 'the file is no FITS',
  422: 'the content is not what its descriptor says; the reason names every difference',
  503: 'too many uploads at once: come again later',
} as const
const SEARCH = {
  s: 'source: 101',
  a: 'columns by number or name, with ; between them; all without it',
  c: 'column::operator::value; eq, ne, lt, le, gt, ge, like; several times for several conditions',
} as const
const upload = (path: string, field: string, about: string): Route => ({
  ...{ method: 'POST', path, name: field === 'spjson' ? 'card' : 'product', about, key: true, upload: field },
  answers: { 201: 'taken: on disk and in the database', 200: 'the same was there already', ...REFUSALS },
})

export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/',
    name: 'home',
    about: 'says that the interface is alive',
    key: false,
    answers: { 200: 'it is' },
  },
  {
    method: 'GET',
    path: '/health',
    name: 'health',
    about: 'state of the store',
    key: false,
    answers: { 200: 'counts and versions' },
  },
  upload('/import/v0/a_spjson', 'spjson', 'a descriptor, JSON'),
  upload('/import/v0/a_product', 'product', 'a product, FITS'),
  upload('/v0/add_product', 'product', 'a product, FITS'),
  upload('/upload-product', 'product', 'a product, FITS'),
  upload('/upload-image', 'product', 'a product, FITS'),
  {
    ...{ method: 'GET', path: '/search/result/sp_cards', name: 'cards', about: 'search of descriptors', key: false },
    ...{ query: SEARCH, answers: { 200: 'columns and rows', 400: REFUSALS[400] } },
  },
  {
    ...{ method: 'GET', path: '/search/result/products', name: 'products', about: 'search of products', key: false },
    ...{ query: SEARCH, answers: { 200: 'columns and rows', 400: REFUSALS[400] } },
  },
  {
    ...{
      method: 'GET',
      path: '/export/v0/products/:id',
      name: 'facts',
      about: 'what is known of a product',
      key: false,
    },
    answers: { 200: 'its facts and keywords', 404: 'no such product' },
  },
  {
    ...{
      method: 'GET',
      path: '/export/v0/products/:id/file',
      name: 'file',
      about: 'the file of a product',
      key: false,
    },
    answers: { 200: 'FITS', 404: 'no such product' },
  },
  {
    method: 'GET',
    path: '/openapi.json',
    name: 'openapi',
    about: 'this interface as OpenAPI 3.1',
    key: false,
    answers: { 200: 'JSON' },
  },
  {
    method: 'GET',
    path: '/docs',
    name: 'page',
    about: 'this interface as a page',
    key: false,
    answers: { 200: 'HTML' },
  },
]

/** The OpenAPI document of the routes. */
export function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of ROUTES) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    const parts = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'integer' },
    }))
    const query = Object.entries(route.query ?? {}).map(([name, description]) => ({
      name,
      in: 'query',
      description,
      schema: { type: 'string' },
    }))
    const body = route.upload && {
      requestBody: {
        required: true,
        content: {
          'multipart/form-data': {
            schema: { type: 'object', properties: { [route.upload]: { type: 'string', format: 'binary' } } },
          },
        },
      },
    }
    paths[path] = {
      ...paths[path],
      [route.method.toLowerCase()]: {
        summary: route.about,
        ...(parts.length + query.length > 0 ? { parameters: [...parts, ...query] } : {}),
        ...body,
        ...(route.key ? { security: [{ key: [] }] } : {}),
        responses: Object.fromEntries(
          Object.entries(route.answers).map(([code, description]) => [code, { description }]),
        ),
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'nightpipe product store', version },
    paths,
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
  }
}

const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

/** The routes as a page. */
export function routesPage(version: string): string {
  const sections = ROUTES.map((route) => {
    const rows = [
      ...(route.upload ? [['field', `${route.upload} (multipart/form-data)`]] : []),
      ...Object.entries(route.query ?? {}),
      ...Object.entries(route.answers),
    ]
    const table = rows
      .map(([name, text]) => `<tr><th>${escapeHtml(name!)}</th><td>${escapeHtml(text!)}</td></tr>`)
      .join('')
    const key = route.key ? ' <em>needs a key: Authorization: Bearer …</em>' : ''
    return `<section><h2><code>${route.method} ${escapeHtml(route.path)}</code></h2><p>${escapeHtml(route.about)}${key}</p><table>${table}</table></section>`
  })
  const style =
    'body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#222}th{text-align:left;padding-right:1.5rem;vertical-align:top;font-weight:600}h2{font-size:1.05rem;margin:1.6rem 0 .2rem}code{background:#eef;padding:.1rem .4rem;border-radius:.3rem}'
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Product store</title><style>${style}</style><h1>Product store ${escapeHtml(version)}</h1>${sections.join('')}</html>\n`
}
