//! Peers from bindings on the ledger: whoever bound addresses to a principal told the world where its node
//! is.

use super::{Inbox, peer};
use blocktree_network::{Address, Input, NodeId, Source};
use blocktree_primitives::{Principal, PublicKey};
use blocktree_runtime::BlocktreeRuntime;
use blocktree_service::Chain;
use core::ops::ControlFlow;
use pallet_coin::account::{Account, PRINCIPALS};
use std::time::Duration;

/// How often bindings are looked at.
const EVERY: Duration = Duration::from_secs(600);
/// Before the first look: what is known otherwise comes first.
const FIRST: Duration = Duration::from_secs(20);
/// Accounts that are looked at each time, from any principal on.
const LOOKED_AT: usize = 5_000;
/// Addresses of a binding that are tried.
const TRIED: usize = 8;
/// The first byte of a compressed key whose point has even Y: node keys are such.
const EVEN_Y: u8 = 2;

/// Tells the network of nodes on the ledger, now and then. Ends with the network.
pub(crate) async fn watch(chain: Chain<BlocktreeRuntime>, inbox: Inbox) {
    tokio::time::sleep(FIRST).await;
    loop {
        let reader = chain.clone();
        let found = tokio::task::spawn_blocking(move || bound_nodes(&reader)).await;
        for (node, addresses) in found.unwrap_or_default() {
            if inbox.send(Input::Discovered { node, addresses, source: Source::Ledger }).is_err() {
                return;
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Nodes with their addresses, from some of the accounts.
fn bound_nodes(chain: &Chain<BlocktreeRuntime>) -> Vec<(NodeId, Vec<Address>)> {
    let published = chain.published();
    let (state, height) = (published.state(), published.tip().height);
    let (mut found, mut seen) = (Vec::new(), 0_usize);
    let mut look = |_: Principal, account: Account| {
        seen = seen.saturating_add(1);
        if let Some(binding) = account.binding.filter(|binding| binding.valid_until >= height) {
            let own = account.public_key.map(node_of);
            let texts = binding.addresses.iter().take(TRIED);
            for text in texts.filter_map(|text| std::str::from_utf8(text).ok()) {
                // With a name, or that of the principal's own key.
                let named = peer(text).ok();
                let bare = || Some((own?, blocktree_p2p::parse_multiaddr(text).ok()?.1));
                found.extend(named.or_else(bare).map(|(node, address)| (node, vec![address])));
            }
        }
        if seen < LOOKED_AT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    // From anywhere on, and around.
    let from = super::seed().to_le_bytes();
    let scanned = PRINCIPALS.scan(&state, &from, &mut look);
    let scanned = scanned.and_then(|()| PRINCIPALS.scan(&state, &[], &mut look));
    if let Err(fault) = scanned {
        tracing::warn!(%fault, "bindings can't be read");
    }
    found
}

/// The node whose key this is, if it is a node's.
fn node_of(key: PublicKey) -> NodeId {
    let mut bytes = [EVEN_Y; 33];
    bytes[1..].copy_from_slice(&key.0);
    NodeId(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chosen::{ChainName, Chosen};
    use blocktree_import::Config;
    use blocktree_mempool::Policy;
    use blocktree_primitives::{Amount, BoundedBytes, BoundedVec, Event, Height};
    use blocktree_runtime::{Call, MAX_EVENT_LEN};
    use blocktree_service::Setup;
    use blocktree_state::MemoryLedger;
    use blocktree_wallet::DevKeys;
    use parity_scale_codec::Encode;
    use std::sync::Arc;

    #[test]
    fn whoever_is_bound_is_found_by_its_own_key_or_by_the_name_it_gives() {
        let chosen = Chosen::load(&ChainName::Dev).unwrap();
        let (chain, writer) = Chain::start(Setup {
            runtime: chosen.runtime.clone(),
            params: chosen.params,
            rules: chosen.rules.clone(),
            ledger: Arc::new(MemoryLedger::new()),
            import: Config::default(),
            policy: Policy::default(),
            max_event_len: MAX_EVENT_LEN,
            clock: crate::wire::unix_time,
        })
        .unwrap();
        assert_eq!(bound_nodes(&chain), []);
        let key = DevKeys::new(1).secret(3).unwrap();
        let other = blocktree_p2p::NodeKey::generate().unwrap().node();
        let named = format!("/ip4/192.0.2.1/tcp/30333/p2p/{}", blocktree_p2p::peer_id_text(&other));
        let texts = ["/ip4/192.0.2.7/tcp/30333", &named, "/nowhere"];
        let bytes = |text: &str| BoundedBytes::try_from(text.as_bytes().to_vec()).unwrap();
        let addresses = BoundedVec::try_from(texts.map(bytes).to_vec()).unwrap();
        let call = Call::Binding(pallet_binding::Call::Bind { addresses, valid_until: Height(2) });
        let fee = Amount::from_units(100_000);
        let event = Event::signed(&key, &chain.genesis(), 0, fee, None, call);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(chain.submit(event.encode())).unwrap();
        let miner = chosen.dev_principal().unwrap();
        chain.generate(1, &miner).unwrap();

        let found = bound_nodes(&chain);
        let expected = [
            (node_of(key.public_key()), "/ip4/192.0.2.7/tcp/30333"),
            (other, "/ip4/192.0.2.1/tcp/30333"),
        ];
        for (node, text) in expected {
            let at = |(name, addresses): &(NodeId, Vec<Address>)| {
                *name == node && addresses.len() == 1 && addresses[0].text == text
            };
            assert!(found.iter().any(at), "{text} in {found:?}");
        }
        chain.generate(2, &miner).unwrap();
        assert_eq!(bound_nodes(&chain), [], "bindings end");
        drop(chain);
        writer.stop().unwrap();
    }
}
