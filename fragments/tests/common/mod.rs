//! What several tests begin with.

#![allow(dead_code, reason = "each test uses some of it")]

use blocktree_fragments::{
    Code, Codec, Draft, FragmentId, Fresh, Kind, SealSecret, SealedFragment, Secrecy, Target,
    TreeBlock, encode_fragments,
};
use blocktree_primitives::{BlockHash, BlockPath, Name, Principal, SecretKey};

pub(crate) const GENESIS: BlockHash = BlockHash([0x11; 32]);

pub(crate) fn owner() -> SecretKey {
    SecretKey::from_bytes([7; 32]).unwrap()
}

pub(crate) fn path() -> BlockPath {
    let name = Name::new("file").unwrap();
    BlockPath::new(Principal::of(&owner().public_key()), vec![name]).unwrap()
}

pub(crate) fn fresh() -> Fresh {
    Fresh { block_key: [0x42; 32], nonce: [0x24; 24], ephemeral: [9; 32] }
}

pub(crate) fn draft(codec: Codec, k: u16) -> Draft {
    Draft { path: path(), version: 5, kind: Kind::Data, code: Code::new(codec, k).unwrap() }
}

pub(crate) fn noise(len: usize) -> Vec<u8> {
    (1u32..).flat_map(|i| i.wrapping_mul(0x9e37_79b9).to_be_bytes()).take(len).collect()
}

pub(crate) fn block(codec: Codec, k: u16, data: Vec<u8>) -> TreeBlock {
    let secrecy = Secrecy::Encrypted { fresh: &fresh(), real_name: None };
    TreeBlock::build(draft(codec, k), secrecy, data, &GENESIS, &owner()).unwrap()
}

pub(crate) fn secret(block: &TreeBlock) -> SealSecret {
    let key = block.header().block_key(&owner()).unwrap();
    block.header().seal_secret(key.as_ref()).unwrap()
}

/// Fragment `id`, each for a provider of its own.
pub(crate) fn target(id: u32) -> Target {
    let mut provider = [0xcc; 32];
    provider[..4].copy_from_slice(&id.to_le_bytes());
    Target { id: FragmentId(id), provider: Principal(provider) }
}

pub(crate) fn fragments(
    block: &TreeBlock,
    ids: impl IntoIterator<Item = u32>,
) -> Vec<SealedFragment> {
    let targets: Vec<_> = ids.into_iter().map(target).collect();
    encode_fragments(block, &secret(block), &targets).unwrap()
}
