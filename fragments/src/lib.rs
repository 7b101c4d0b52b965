//! Tree blocks to fragments and back: the pure part of storage (docs/protocol.md §8.9, §9).
//!
//! ```text
//! file ─ FilePlan ─ segments ─ TreeBlock ─ FragmentEncoder ─ sealed fragments
//!                   Manifest   header and  code, seal, root   one per provider
//!                              payload
//! ```
//!
//! Back the same way: [`BlockDecoder`] takes fragments, each checked against the root that
//! the ledger has, and gives the [`TreeBlock`], which is opened with the owner's key or
//! coded anew for other providers. In memory is one segment, in both its forms.
//!
//! A fragment's tree is RFC 6962's over leaves of [`LEAF_SIZE`] bytes, the last one exactly
//! the rest. A provider builds a [`FragmentTree`] and answers a challenge with a leaf and
//! its path; the ledger checks the answer with [`verify_leaf`]. The path check alone,
//! [`verify_inclusion`], serves every RFC 6962 tree of the project, the event tree too.
//!
//! **What must not live here**: files, network, clocks, threads, entropy (random bytes are
//! parameters); the rules of storage (which leaf is asked for, what an answer pays) are
//! `pallets/storage`'s, and the fast hashing is `chain/hashing`'s.

mod code;
mod decode;
mod encode;
mod header;
mod inclusion;
mod key;
mod manifest;
mod names;
mod run;
mod seal;
mod segment;
mod tree;
mod tree_block;

pub use blocktree_hashing::Digest;
pub use code::{
    Code, CodeError, Codec, FragmentId, Layout, LayoutError, MAX_FRAGMENTS, MAX_SYMBOL,
};
pub use decode::{
    BlockDecoder, FragmentCause, FragmentFault, Progress, RecoverError, read_fragment,
};
pub use encode::{EncodeError, FragmentEncoder, SealedFragment, Target, encode_fragments};
pub use header::{Access, Authority, Header, HeaderError, Kind, MAX_HEADER, MAX_READCAPS};
pub use inclusion::{InclusionError, path_length, verify_inclusion};
pub use key::{BlockKey, Readcap, ReadcapError, SealSecret};
pub use manifest::{MAX_MANIFEST, Manifest, ManifestError, Segment, segment_path};
pub use names::NameKey;
pub use run::{RunError, RunLevel, verify_run};
pub use segment::{
    FilePlan, MAX_PAYLOAD, MAX_SEGMENT, MAX_SEGMENTS, PAYLOAD_OVERHEAD, SegmentError, SegmentSize,
};
pub use tree::{
    Damage, EmptyFragment, FragmentTree, LEAF_SIZE, LeafError, Proof, RootBuilder, fragment_root,
    leaf_count, leaf_length, verify_leaf,
};
pub use tree_block::{BuildError, Draft, Fresh, OpenError, Opened, Secrecy, TreeBlock};
