// Connects to a node with js-libp2p, identifies it and pings it three times.
//
//   node ping.mjs <multiaddr with /p2p/…>
//
// Exits with 0 when all of it worked, else with 1 and the reason.

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const TIME = 10_000

// js-libp2p asks for Node.js 22; this is what it uses of it.
Promise.withResolvers ??= function () {
  const parts = {}
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }))
  return parts
}

function check (holds, what) {
  if (!holds) throw new Error(what)
}

async function main (text) {
  check(text?.includes('/p2p/'), 'give the multiaddr of a node, with /p2p/… at its end')
  const address = multiaddr(text)
  const expected = text.split('/p2p/').pop()

  // The key is Ed25519, the default of js-libp2p: the node serves such peers, as no nodes of its own.
  const peer = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify({ runOnConnectionOpen: false }), ping: ping() }
  })
  try {
    const connection = await peer.dial(address, { signal: AbortSignal.timeout(TIME) })
    check(connection.remotePeer.toString() === expected, 'another peer answered')
    check(expected.startsWith('16Uiu2'), 'the peer has no secp256k1 key')
    console.log(`connected with ${connection.remotePeer}`)

    const known = await peer.services.identify.identify(connection, { signal: AbortSignal.timeout(TIME) })
    console.log(`agent ${known.agentVersion}, protocol ${known.protocolVersion}`)
    for (const protocol of [...known.protocols].sort()) console.log(`  speaks ${protocol}`)
    check(/^\/blocktree\/[0-9a-f]{8}\/1$/.test(known.protocolVersion), 'its protocol version is another')
    const chain = known.protocolVersion.split('/')[2]
    for (const protocol of [`/blocktree/${chain}/1`, '/ipfs/ping/1.0.0', '/ipfs/id/1.0.0']) {
      check(known.protocols.includes(protocol), `it does not speak ${protocol}`)
    }

    for (let i = 0; i < 3; i++) {
      const ms = await peer.services.ping.ping(address, { signal: AbortSignal.timeout(TIME) })
      console.log(`ping ${ms} ms`)
    }
    console.log('ok')
  } finally {
    await peer.stop()
  }
}

main(process.argv[2]).catch(error => {
  console.error(`failed: ${error.message}`)
  process.exit(1)
})
