//! Genesis names the rules of its chain.

use crate::counters::Call;
use crate::fixture::PARAMS;
use blocktree_consensus::{ChainInfo, Difficulty, Params, genesis_block};
use blocktree_primitives::{Block, StateRoot};
use parity_scale_codec::Encode;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

fn genesis(params: &Params, rules: &[u8], root: u8) -> Block<Call> {
    genesis_block(params, rules, StateRoot([root; 32]))
}

#[test]
fn the_bytes_are_as_documented() {
    let block = genesis(&PARAMS, b"rules", 1);
    let sha = |parts: &[&[u8]]| -> [u8; 32] { Sha256::digest(parts.concat()).into() };
    // tagged("blocktree/chainspec", SCALE(params) || rules)
    let tag = sha(&[b"blocktree/chainspec"]);
    let identity = sha(&[&tag, &tag, &PARAMS.encode(), b"rules"]);
    // height 0 || miner 0 || SHA-256 of nothing || state root || history root 0 || extra nonce 0
    let commitment = [vec![0; 40], sha(&[]).to_vec(), vec![1; 32], vec![0; 40]].concat();
    assert_eq!(commitment.len(), 144);
    let commitment = sha(&[&sha(&[&commitment])]);
    let mut header = vec![0, 0, 0, 0x20];
    header.extend(identity);
    header.extend(commitment);
    // 1,700,000,000 = 0x6553f100, bits 0x1f0fffff, nonce 0, all little-endian.
    header.extend([0x00, 0xf1, 0x53, 0x65, 0xff, 0xff, 0x0f, 0x1f, 0, 0, 0, 0]);
    assert_eq!(block.header.encode(), header);
    assert!(block.events.is_empty());
    assert_eq!(block.commitment.hash(), block.header.commitment);
}

#[test]
fn other_rules_or_balances_are_another_chain() {
    let constant = Params { difficulty: Difficulty::Constant, ..PARAMS };
    let hashes: BTreeSet<_> = [
        genesis(&PARAMS, b"rules", 1),
        genesis(&PARAMS, b"rulez", 1),
        genesis(&PARAMS, b"", 1),
        genesis(&PARAMS, b"rules", 2),
        genesis(&constant, b"rules", 1),
        genesis(&Params { genesis_time: 1, ..PARAMS }, b"rules", 1),
        genesis(&Params { genesis_bits: 0x1d00_ffff, ..PARAMS }, b"rules", 1),
        genesis(&Params { limit_bits: 0x1f0f_ffff, ..PARAMS }, b"rules", 1),
        genesis(&Params { spacing: 61, ..PARAMS }, b"rules", 1),
        genesis(&Params { max_future: 601, ..PARAMS }, b"rules", 1),
    ]
    .iter()
    .map(Block::hash)
    .collect();
    assert_eq!(hashes.len(), 10);
}

#[test]
fn a_chain_begins_with_the_work_of_genesis() {
    let block = genesis(&PARAMS, b"rules", 1);
    let info = ChainInfo::genesis(&block.header).unwrap();
    // Target 0x0fffff · 2^224: ⌊2^256 / (0xfffff · 2^224 + 1)⌋ = 4096, since
    // 2^32 / 0xfffff = 4096.0039….
    assert_eq!(info.total_work, blocktree_consensus::Work::from_hashes(4096u64));
    assert_eq!((info.height.0, info.time), (0, PARAMS.genesis_time));
    assert_eq!(info.encode().len(), 80);
}
