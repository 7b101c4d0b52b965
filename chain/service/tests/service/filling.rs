//! What a template holds when the front of the pool is hostile, by rules that say what an event weighs
//! and what becomes of it.
// The derive of an enum's encoding writes its index as `as u8`.
#![allow(clippy::cast_possible_truncation)]

use blocktree_chainspec::ChainSpec;
use blocktree_consensus::{
    Account, Applied, AuditError, BlockContext, Failure, Runtime, SignatureCheck, Weight,
};
use blocktree_import::Config;
use blocktree_mempool::Policy;
use blocktree_primitives::{Amount, BlockHash, Event, EventId, Principal, SecretKey};
use blocktree_service::{Chain, Setup, Template, WriterThread};
use blocktree_state::{Fault, Map, MemoryLedger, Overlay, View};
use parity_scale_codec::{Decode, Encode};
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime as Tokio};

/// What an event does, and what it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
enum Call {
    #[codec(index = 0)]
    Ordinary(u64),
    #[codec(index = 1)]
    Answer(u64),
    #[codec(index = 2)]
    Refused(u64),
    #[codec(index = 3)]
    FalseAnswer(u64),
    /// Refused after it has read so many entries.
    #[codec(index = 4)]
    Reader(u64, u32),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no")]
struct No;

const NONCES: Map<Principal, u64> = Map::new(200);

struct Rules;

impl Runtime for Rules {
    type Call = Call;
    type Effect = ();
    type Refusal = No;

    fn check(&self, _: &Event<Call>) -> Result<(), No> {
        Ok(())
    }
    fn signatures(&self, _: &BlockHash, _: &Event<Call>, _: &mut Vec<SignatureCheck>) {}
    fn weight(&self, event: &Event<Call>, _: usize) -> Weight {
        let (Call::Ordinary(weight)
        | Call::Answer(weight)
        | Call::Refused(weight)
        | Call::FalseAnswer(weight)
        | Call::Reader(weight, _)) = event.call;
        weight
    }
    fn may_answer(&self, event: &Event<Call>) -> bool {
        matches!(event.call, Call::Answer(_) | Call::FalseAnswer(_))
    }
    fn genesis(&self, _: &mut Overlay<'_>) -> Result<(), Fault> {
        Ok(())
    }
    fn begin_block(
        &self,
        _: &mut Overlay<'_>,
        _: &BlockContext,
        _: &mut Vec<()>,
    ) -> Result<(), Fault> {
        Ok(())
    }
    fn apply_event(
        &self,
        state: &mut Overlay<'_>,
        _: &BlockContext,
        id: &EventId,
        event: &Event<Call>,
        _: &mut Vec<()>,
    ) -> Result<Applied, Failure<No>> {
        let author = event.author();
        let nonce = NONCES.get(state, &author)?.unwrap_or_default();
        NONCES.put(state, &author, &(nonce + 1))?;
        if let Call::Reader(_, count) = event.call {
            let mut key = id.0;
            for number in 0..count {
                key[..4].copy_from_slice(&number.to_le_bytes());
                NONCES.get(state, &Principal(key))?;
            }
        }
        match event.call {
            _ if nonce != event.nonce => Err(Failure::Refused(No)),
            Call::Ordinary(_) => Ok(Applied { answers_challenges: false }),
            Call::Answer(_) => Ok(Applied { answers_challenges: true }),
            _ => Err(Failure::Refused(No)),
        }
    }
    fn end_block(
        &self,
        _: &mut Overlay<'_>,
        _: &BlockContext,
        _: &mut Vec<()>,
    ) -> Result<Amount, Fault> {
        Ok(Amount::ZERO)
    }
    fn reward(
        &self,
        _: &mut Overlay<'_>,
        _: &BlockContext,
        _: &Principal,
        _: Amount,
        _: Amount,
    ) -> Result<(), Fault> {
        Ok(())
    }
    fn account(&self, view: &dyn View, principal: &Principal) -> Result<Account, Fault> {
        let nonce = NONCES.get(view, principal)?.unwrap_or_default();
        Ok(Account { nonce, free: Amount::MAX })
    }
    fn audit(&self, _: &dyn View) -> Result<(), AuditError> {
        Ok(())
    }
}

struct Node {
    chain: Chain<Rules>,
    writer: WriterThread<Rules>,
    tokio: Tokio,
}

impl Node {
    fn start() -> Self {
        let (chain, writer) = Chain::start(Setup {
            runtime: Arc::new(Rules),
            params: ChainSpec::dev().consensus_params(),
            rules: vec![1],
            ledger: Arc::new(MemoryLedger::new()),
            import: Config::default(),
            policy: Policy { signer_window: 1 << 20, ..Policy::default() },
            max_event_len: 1 << 20,
            clock: || crate::support::NOW,
        })
        .unwrap();
        Self { chain, writer, tokio: Builder::new_current_thread().build().unwrap() }
    }

    /// Events of `signer` from `nonce` on that pay `rate` per unit of weight.
    fn submit(&self, signer: u32, nonce: u64, rate: u64, calls: &[Call]) {
        let mut bytes = [1; 32];
        bytes[..4].copy_from_slice(&signer.to_le_bytes());
        let key = SecretKey::from_bytes(bytes).unwrap();
        let all = (nonce..).zip(calls).map(|(nonce, call)| {
            let free = Event::signed(&key, &self.chain.genesis(), nonce, Amount::ZERO, None, *call);
            let fee = Amount::from_units(rate * Rules.weight(&free, 0));
            Event::signed(&key, &self.chain.genesis(), nonce, fee, None, *call).encode()
        });
        let all: Vec<Vec<u8>> = all.collect();
        self.tokio.block_on(async {
            for encoded in all {
                self.chain.submit(encoded).await.unwrap();
            }
        });
    }

    fn template(&self) -> Arc<Template<Call>> {
        let template = self.chain.template(&Principal([7; 32])).unwrap();
        // What it refused is told once the writer answers this.
        assert_eq!(self.tokio.block_on(self.chain.revert(0)), Ok(0));
        template
    }

    fn stop(self) {
        self.writer.stop().unwrap();
    }
}

fn count(template: &Template<Call>, which: impl Fn(&Call) -> bool) -> usize {
    template.events.iter().filter(|event| which(&event.event().call)).count()
}

fn is_ordinary(call: &Call) -> bool {
    matches!(call, Call::Ordinary(_))
}

fn is_answer(call: &Call) -> bool {
    matches!(call, Call::Answer(_))
}

#[test]
fn what_is_refused_takes_no_room_from_what_pays_less() {
    let node = Node::start();
    // 6,000,000 of weight behind one hopeless event, and as much in hopeless heads.
    node.submit(1, 0, 100, &[Call::Refused(100_000); 60]);
    for signer in 2..62 {
        node.submit(signer, 0, 50, &[Call::Refused(100_000)]);
    }
    for signer in 100..110 {
        node.submit(signer, 0, 1, &[Call::Ordinary(1_000); 3]);
    }
    let template = node.template();
    assert_eq!(count(&template, is_ordinary), 30);
    // The heads are kept back, not what was never tried.
    assert_eq!(node.chain.pool().info().parked, 61);
    node.stop();
}

#[test]
fn the_room_for_answers_is_used_whatever_others_pay() {
    let node = Node::start();
    // 100 · 40 · 1,000 = 4,000,000, better paid than all answers.
    for signer in 0..40 {
        node.submit(signer, 0, 100, &[Call::Ordinary(1_000); 100]);
    }
    // Better paid than the true answers as well; nobody's challenge.
    for signer in 100..120 {
        node.submit(signer, 0, 50, &[Call::FalseAnswer(60_000)]);
    }
    for signer in 200..210 {
        node.submit(signer, 0, 2, &[Call::Answer(60_000)]);
    }
    // One behind another event is not alone in time; its own head pays for both.
    node.submit(300, 0, 1, &[Call::Ordinary(1_000), Call::Answer(1_000)]);
    // A smaller one, and the poorest, still fits behind eight of 60,000: 480,000 + 20,000.
    node.submit(301, 0, 1, &[Call::Answer(10_000), Call::Answer(10_000), Call::Answer(10_000)]);
    let template = node.template();
    assert_eq!(count(&template, is_ordinary), 1_500);
    assert_eq!(count(&template, |call| *call == Call::Answer(60_000)), 8);
    assert_eq!(count(&template, |call| *call == Call::Answer(10_000)), 2);
    assert_eq!(template.weight, 2_000_000);
    node.stop();
}

#[test]
fn answers_that_pay_more_take_more_than_their_room() {
    let node = Node::start();
    for signer in 0..20 {
        node.submit(signer, 0, 10, &[Call::Ordinary(1_000); 100]);
    }
    // 1,200,000: 500,000 in the room of their own, 700,000 by what they pay.
    for signer in 100..112 {
        node.submit(signer, 0, 20, &[Call::Answer(100_000)]);
    }
    let template = node.template();
    assert_eq!(count(&template, is_answer), 12);
    // 2,000,000 - 1,200,000.
    assert_eq!(count(&template, is_ordinary), 800);
    node.stop();
}

#[test]
fn tries_in_vain_are_bounded_and_the_next_template_goes_on() {
    let node = Node::start();
    for signer in 0..4_100 {
        node.submit(signer, 0, 10, &[Call::Refused(123)]);
    }
    node.submit(5_000, 0, 1, &[Call::Ordinary(1_000)]);
    assert_eq!(node.template().events.len(), 0);
    assert_eq!(node.chain.pool().info().parked, 4_096);
    assert_eq!(node.template().events.len(), 1);
    assert_eq!(node.chain.pool().info().parked, 4_100);
    node.stop();
}

#[test]
fn what_is_read_in_vain_is_bounded() {
    let node = Node::start();
    // The signer's nonce and 9,999 more; ten of them are 100,000.
    for signer in 0..11 {
        node.submit(signer, 0, 10, &[Call::Reader(1_000, 9_999)]);
    }
    node.submit(100, 0, 1, &[Call::Ordinary(1_000)]);
    assert_eq!(node.template().events.len(), 0);
    assert_eq!(node.chain.pool().info().parked, 10);
    assert_eq!(node.template().events.len(), 1);
    node.stop();
}
