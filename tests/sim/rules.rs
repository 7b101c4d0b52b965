//! The chains that are simulated: the dev chain, also with clocks held to it, and one whose difficulty
//! moves.

use blocktree_chainspec::ChainSpec;
use blocktree_chainspec::spec::{Bits, DifficultyRule};
use blocktree_consensus::Params;
use blocktree_primitives::{Amount, BlockHash, Principal, SecretKey};
use blocktree_runtime::{BlocktreeRuntime, Call, Event};
use blocktree_state::MemoryLedger;
use blocktree_wallet::DevKeys;
use std::sync::{Arc, LazyLock};

/// Keys that genesis funds with 1,000,000 coins each.
const KEYS: u32 = 10;

/// Which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The dev chain as it is: 2 hashes for every block, times as far ahead as ten years.
    Dev,
    /// The same with times at most two minutes ahead.
    Clocks,
    /// ASERT from 256 hashes a block on, a block every five seconds, half-life sixty blocks.
    Asert,
}

/// A chain's rules, and keys with money.
pub(crate) struct Rules {
    pub(crate) runtime: Arc<BlocktreeRuntime>,
    pub(crate) params: Params,
    pub(crate) encoded: Vec<u8>,
    pub(crate) genesis: BlockHash,
    pub(crate) keys: Vec<SecretKey>,
}

impl Rules {
    /// The rules of a chain; made once.
    pub(crate) fn of(kind: Kind) -> Arc<Self> {
        static DEV: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::new(Kind::Dev)));
        static CLOCKS: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::new(Kind::Clocks)));
        static ASERT: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::new(Kind::Asert)));
        Arc::clone(match kind {
            Kind::Dev => &DEV,
            Kind::Clocks => &CLOCKS,
            Kind::Asert => &ASERT,
        })
    }

    fn new(kind: Kind) -> Self {
        let mut spec = ChainSpec::dev();
        if kind != Kind::Dev {
            spec.consensus.max_future_seconds = 120;
        }
        if kind == Kind::Asert {
            // 0xffff · 2^232: one hash in 256 is below.
            spec.consensus.genesis_bits = Bits(0x2000_ffff);
            spec.consensus.spacing_seconds = 5;
            spec.consensus.difficulty = DifficultyRule::Asert { half_life_spacings: 60 };
        }
        let params = spec.consensus_params();
        params.check().unwrap();
        let runtime = Arc::new(BlocktreeRuntime::new(spec.runtime_params().unwrap()).unwrap());
        let encoded = spec.rules().unwrap();
        let (ledger, config) = (Arc::new(MemoryLedger::new()), Default::default());
        let opened = blocktree_import::Importer::open(
            Arc::clone(&runtime),
            params,
            encoded.clone(),
            ledger,
            config,
        );
        let genesis = opened.unwrap_or_else(|error| panic!("{error}")).genesis();
        let dev = DevKeys::new(spec.coin_type);
        let keys = (0..KEYS).map(|index| dev.secret(index).unwrap()).collect();
        Self { runtime, params, encoded, genesis, keys }
    }

    /// A funded key's principal.
    pub(crate) fn principal(&self, key: usize) -> Principal {
        Principal::of(&self.keys[key].public_key())
    }

    /// A transfer by a funded key.
    pub(crate) fn transfer(
        &self,
        key: usize,
        nonce: u64,
        fee: u64,
        to: Principal,
        units: u64,
    ) -> Event {
        let call =
            Call::Coin(pallet_coin::Call::Transfer { to, amount: Amount::from_units(units) });
        let fee = Amount::from_units(fee);
        Event::signed(&self.keys[key], &self.genesis, nonce, fee, None, call)
    }
}
