//! Proofs, checked by the words of the documentation.

use crate::node::{NETWORK, Node, text};
use crate::world::World;
use blocktree_fragments::verify_inclusion;
use blocktree_rpc::types::{EventProof, HeaderJson, HistoryProofJson, StateProof};
use serde_json::json;

/// The proof is checked by docs/rpc.md's own words with nothing but SHA-256.
fn check_state_proof(proof: &StateProof) -> bool {
    use blocktree_primitives::hash::sha256;
    let tag = sha256(&[b"blocktree/key"]);
    let path = sha256(&[&tag, &tag, &proof.key.0]);
    let zero = [0u8; 32];
    let digest = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).unwrap();
    let bit = |path: &[u8; 32], d: usize| path[d / 8] >> (7 - d % 8) & 1;
    let n = proof.siblings.len();
    if proof.siblings.first() == Some(&None) {
        return false;
    }
    let mut hash = match (&proof.value, &proof.other) {
        (Some(value), None) if !value.0.is_empty() => sha256(&[&[0], &path, &sha256(&[&value.0])]),
        (None, Some(other)) => {
            let other_path = digest(&other.path.0);
            if other_path == path || (0..n).any(|d| bit(&path, d) != bit(&other_path, d)) {
                return false;
            }
            sha256(&[&[0], &other_path, &other.value_hash.0])
        }
        (None, None) => zero,
        _ => return false,
    };
    for (sibling, d) in proof.siblings.iter().zip((0..n).rev()) {
        let sibling = sibling.as_ref().map_or(zero, |s| digest(&s.0));
        hash = match bit(&path, d) {
            0 => sha256(&[&[1], &hash, &sibling]),
            _ => sha256(&[&[1], &sibling, &hash]),
        };
    }
    hash == proof.header.state_root.0.0 && header_holds(&proof.header)
}

/// `raw` and `commitment` hash as they should, and the fields are theirs.
fn header_holds(header: &HeaderJson) -> bool {
    use blocktree_primitives::hash::sha256d;
    header.hash.0.0 == sha256d(&header.raw.0)
        && header.raw.0[36..68] == sha256d(&header.commitment.0)
        && header.commitment.0[72..104] == header.state_root.0.0
        && header.commitment.0[40..72] == header.event_root.0.0
        && header.commitment.0[..8] == header.height.to_le_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proofs_verify_and_spoilt_ones_do_not() {
    let world = World::new().await;
    let node = &world.node;
    let nobody = blocktree_primitives::Principal([9; 32]).to_text(NETWORK);
    let offer = world.offer.to_string();
    let mut proofs = Vec::new();
    for (method, params, present) in [
        ("global_getPrincipal", json!([text(&world.owner), true]), true),
        ("global_getPublicKey", json!([nobody, true]), false),
        ("global_getAddresses", json!([text(&world.provider), true]), true),
        ("global_getFragments", json!([world.path, true]), true),
        ("global_getFragments", json!([format!("{}x", world.path), true]), false),
        ("global_getProof", json!([{ "offer": offer }]), true),
        ("global_getProof", json!([{ "placement": world.placement.to_string() }]), true),
        ("global_getProof", json!([{ "key": "ff" }]), false),
    ] {
        let answer = node.ask(method, params).await;
        let proof: StateProof = serde_json::from_value(answer["proof"].clone()).unwrap();
        assert_eq!(proof.value.is_some(), present, "{method}");
        assert!(check_state_proof(&proof), "{method}");
        assert_eq!(answer["blockHash"], json!(proof.header.hash));
        assert_eq!(answer["height"], json!(proof.header.height));
        proofs.push(proof);
    }
    for proof in proofs {
        let mut spoilt = vec![proof.clone(); 4];
        spoilt[0].key.0.push(0);
        spoilt[1].value = match proof.value {
            Some(_) => None,
            None => Some(vec![1].into()),
        };
        spoilt[2].siblings.pop();
        spoilt[3].header.state_root.0.0[0] ^= 1;
        assert!(spoilt.iter().all(|proof| !check_state_proof(proof)));
    }
    let proof: EventProof = node.typed("event_getProof", json!([world.transfer.to_string()])).await;
    let leaf = blocktree_consensus::merkle::hash_leaf(&proof.event_scale.0);
    let siblings: Vec<[u8; 32]> =
        proof.siblings.iter().map(|s| s.0.clone().try_into().unwrap()).collect();
    let root = proof.header.event_root.0.0;
    assert_eq!(verify_inclusion(&root, &leaf, proof.index, proof.count, &siblings), Ok(()));
    assert!(header_holds(&proof.header) && proof.header.height == 1);
    // Four events are in block 1, so a leaf has two siblings.
    assert_eq!((proof.count, siblings.len()), (4, 2));
    history(node).await;
    world.node.stop().await;
}

/// The history proof, by protocol.md §3.3 with nothing but SHA-256 and small numbers: on a
/// development chain all sums of work fit 128 bits.
async fn history(node: &Node) {
    use blocktree_primitives::hash::sha256;
    let tagged = |tag: &str, parts: &[&[u8]]| {
        let tag = sha256(&[tag.as_bytes()]);
        sha256(&[[&tag[..], &tag[..]].as_slice(), parts].concat())
    };
    let wide = |number: u128| {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&number.to_le_bytes());
        bytes
    };
    let proof: HistoryProofJson = node.typed("chain_getHistoryProof", json!([1])).await;
    let (index, count) = (1u64, proof.header.height);
    assert!(header_holds(&proof.header) && header_holds(&proof.ancestor));
    let total: u128 = proof.total_work.parse().unwrap();
    let mut hash =
        tagged("blocktree/mmr-leaf", &[&proof.ancestor.raw.0, &index.to_le_bytes(), &wide(total)]);
    // Every header of a development chain has the same work, genesis included.
    let own = total / 2;
    let (mut leaves, mut work, mut before) = (1u64, own, 0u128);
    // The tree of header 1 is the first and largest; it has 2^k leaves.
    let size = 1u64 << (63 - count.leading_zeros());
    let mut siblings = proof.siblings.iter();
    while leaves < size {
        let sibling = siblings.next().unwrap();
        let other: u128 = sibling.work.parse().unwrap();
        let (sum, both) = (wide(work + other), (leaves * 2).to_le_bytes());
        // Header 1 is the right one of the first pair, and left from there on.
        hash = if leaves == 1 {
            before += other;
            tagged("blocktree/mmr-node", &[&sibling.hash.0, &hash, &both, &sum])
        } else {
            tagged("blocktree/mmr-node", &[&hash, &sibling.hash.0, &both, &sum])
        };
        (leaves, work) = (leaves * 2, work + other);
    }
    if count > size {
        let sibling = siblings.next().unwrap();
        let other: u128 = sibling.work.parse().unwrap();
        let sum = wide(work + other);
        let parts: [&[u8]; 4] = [&hash, &sibling.hash.0, &count.to_le_bytes(), &sum];
        hash = tagged("blocktree/mmr-node", &parts);
    }
    assert!(siblings.next().is_none());
    assert_eq!(hash, proof.header.history_root.0.0);
    assert_eq!(before + own, total, "the work before it and its own");
}
