// 100 hostile peers at one node, by js-libp2p: each has a node's kind of key, opens as many streams as it may,
// and on each sends most of a large request and never ends it, or garbage, or asks for large answers that it
// does not read.
//
//   node hostile.mjs <multiaddr with /p2p/…> <pid of the node> <protocol: /blocktree/…/1> [peers] [seconds]
//
// Prints how many connections the node bore and the most memory that it had resident.

import { readFileSync } from 'node:fs'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

Promise.withResolvers ??= function () {
  const parts = {}
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }))
  return parts
}

const [text, pid, protocol, peers = '100', seconds = '30'] = process.argv.slice(2)
const address = multiaddr(text)
const until = Date.now() + Number(seconds) * 1000
const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])
let [most, connected, streams, refused] = [resident(), 0, 0, 0]
const before = most
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})

async function attack (number) {
  const privateKey = await generateKeyPair('secp256k1')
  const peer = await createLibp2p({
    privateKey,
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify({ runOnConnectionOpen: false }) }
  })
  // It takes the greeting and never answers.
  await peer.handle(protocol, () => {})
  while (Date.now() < until) {
    try {
      const connection = await peer.dial(address, { signal: AbortSignal.timeout(5000) })
      connected++
      for (let i = 0; i < 64; i++) {
        const stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(5000) })
        streams++
        const bytes = new Uint8Array(99_000)
        // A compact block's beginning (3), garbage (200), or a request for bodies (2).
        bytes[0] = [3, 200, 2][(number + i) % 3]
        stream.send(bytes)
      }
      await new Promise(resolve => setTimeout(resolve, 3000))
    } catch {
      refused++
      await new Promise(resolve => setTimeout(resolve, 200))
    }
  }
  await peer.stop()
}

const watch = setInterval(() => { most = Math.max(most, resident()) }, 50)
await Promise.all(Array.from({ length: Number(peers) }, (_, number) => attack(number)))
clearInterval(watch)
console.log(`${peers} peers, ${connected} connections, ${streams} streams, ${refused} times refused`)
console.log(`memory: ${before} kB before, ${most} kB at most, ${resident()} kB after`)
process.exit(0)
