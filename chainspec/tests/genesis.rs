//! The genesis of each built-in chain, pinned: whoever changes a rule of a chain that exists
//! makes another chain, and must know it.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

use blocktree_chainspec::ChainSpec;
use blocktree_consensus::{genesis_block, genesis_state};
use blocktree_runtime::{BlocktreeRuntime, Call};
use blocktree_state::MemoryLedger;
use blocktree_state::auth::{AuthMap, Limits};

fn genesis(spec: &ChainSpec) -> (String, String) {
    let runtime = BlocktreeRuntime::new(spec.runtime_params().unwrap()).unwrap();
    let memory = MemoryLedger::new();
    let mut map = AuthMap::open(&memory, Limits::default()).unwrap();
    let root = map.apply(&memory, &genesis_state(&runtime).unwrap()).unwrap();
    let block = genesis_block::<Call>(&spec.consensus_params(), &spec.rules().unwrap(), root);
    (block.hash().to_string(), root.to_string())
}

#[test]
fn genesis_is_pinned() {
    // (hash, state root); the roots of test and main are those of an empty state: 32 zero bytes.
    let empty = "0".repeat(64);
    let pinned = [
        (
            ChainSpec::dev(),
            "01c679a01cfe93b8729f676f13d2d5e9b528f36178f2dc15ba7dc17ca48a44e8",
            "1262e6e7700d60db5d8bc72bcc36bffa8c5daada2ca5de4adf38006010c6f92e",
        ),
        (
            ChainSpec::test(),
            "a99268fac753d54bdc9a392755fff39b0938a9027f44763a0a30615e34a085a3",
            empty.as_str(),
        ),
        (
            ChainSpec::main(),
            "13a009aeab393ec730019a974d10e2c40c21cabaaacce12586452a01265878ea",
            empty.as_str(),
        ),
    ];
    for (spec, hash, root) in pinned {
        assert_eq!(genesis(&spec), (hash.to_owned(), root.to_owned()), "{}", spec.name);
    }
}

#[test]
fn another_rule_is_another_chain() {
    let dev = ChainSpec::dev();
    let mut other = dev.clone();
    other.storage.grace += 1;
    assert_ne!(genesis(&dev).0, genesis(&other).0);
    let mut later = dev.clone();
    later.consensus.genesis_time += 1;
    assert_ne!(genesis(&dev).0, genesis(&later).0);
}
