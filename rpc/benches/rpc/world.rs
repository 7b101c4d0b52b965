//! A chain with principals, and the calls about them. Both processes make the same.

use blocktree_chainspec::ChainSpec;
use blocktree_primitives::{Amount, BlockHash, Network, Principal, SecretKey};
use blocktree_runtime::{BlocktreeRuntime, Call, Event};
use parity_scale_codec::Encode;
use rayon::prelude::*;
use std::sync::Arc;

/// Principals with a balance.
pub(crate) const PRINCIPALS: usize = 20_000;

fn secrets() -> Vec<SecretKey> {
    let secret = |index: usize| {
        let mut bytes = [1; 32];
        bytes[..8].copy_from_slice(&(index as u64).to_le_bytes());
        SecretKey::from_bytes(bytes).unwrap()
    };
    (0..PRINCIPALS).into_par_iter().map(secret).collect()
}

pub(crate) fn principals() -> Vec<Principal> {
    secrets().par_iter().map(|secret| Principal::of(&secret.public_key())).collect()
}

/// The rules of events, and their encoding.
pub(crate) fn rules() -> (Arc<BlocktreeRuntime>, Vec<u8>) {
    let mut rules = ChainSpec::dev().runtime_params().unwrap();
    let coins = Amount::parse_coins("1000").unwrap();
    rules.coin.genesis = principals().into_iter().map(|name| (name, coins)).collect();
    let encoded = rules.encode();
    (Arc::new(BlocktreeRuntime::new(rules).unwrap()), encoded)
}

/// A principal's text.
pub(crate) fn text(principal: &Principal) -> String {
    principal.to_text(Network::Dev)
}

/// A point query.
pub(crate) fn query(name: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"global_getPrincipal","params":["{name}"]}}"#)
}

/// Transfers, signed; first one of every principal, then a second one of every principal, and so on.
pub(crate) fn submissions(genesis: &BlockHash, count: usize) -> Vec<String> {
    let secrets = secrets();
    let names = principals();
    let submission = |index: usize| {
        let (from, nonce) = (index % PRINCIPALS, index / PRINCIPALS);
        let to = names[(from * 7_919 + 1) % PRINCIPALS];
        let amount = Amount::from_units(100_000);
        let call = Call::Coin(pallet_coin::Call::Transfer { to, amount });
        let fee = Amount::from_units(1000);
        let event = Event::signed(&secrets[from], genesis, nonce as u64, fee, None, call);
        let scale = hex::encode(event.encode());
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"event_submit","params":["{scale}"]}}"#)
    };
    (0..count).into_par_iter().map(submission).collect()
}
