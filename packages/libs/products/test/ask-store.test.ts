import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '@nightpipe/testing'
import t from 'tap'
import { askStore } from '../src/ask-store.js'

const answer = (body: string) =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nkeep-alive: timeout=60\r\n\r\n${body}`

t.test('a question is asked again when the connection that was kept is closed on it', async (t) => {
  let questions = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    let ofThis = 0
    socket.on('data', () => {
      questions++
      if (++ofThis === 1) socket.write(answer(`question ${questions}`))
      else socket.destroy() // as a store does whose patience with a silent caller is over
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const url = `http://127.0.0.1:${port}/search/result/products`
  t.equal(await (await askStore(url)).text(), 'question 1')
  await wait(100) // until the connection is free again
  t.equal(await (await askStore(url)).text(), 'question 3')
})

t.test('a store that is not there, and one that refuses, are told in one line', async (t) => {
  const port = await freePort()
  await t.rejects(askStore(`http://127.0.0.1:${port}/x`), {
    name: 'DataError',
    message: `cannot reach http://127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
    advice: 'is the store up?',
  })
  const server = createServer((socket) => socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 8\r\n\r\nno entry'))
  server.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port: other } = server.address() as { port: number }
  await t.rejects(askStore(`http://127.0.0.1:${other}/x`), { message: `http://127.0.0.1:${other}/x: 403 no entry` })
})
