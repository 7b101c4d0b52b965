//! What is sent and stored is read back as it was, in one form only.

use crate::counters::Call;
use crate::fixture::secret;
use blocktree_consensus::{Body, Candidate, ChainInfo, Difficulty, EncodedEvent, Params};
use blocktree_primitives::block::MAX_EVENTS;
use blocktree_primitives::{
    Amount, Block, BlockHash, Commitment, CommitmentHash, DecodeError, Event, EventRoot, Header,
    Height, HistoryRoot, Principal, PublicKey, Signature, StateRoot, decode_exact,
};
use parity_scale_codec::{Compact, Decode, Encode};
use proptest::prelude::*;

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        any::<u32>().prop_map(|amount| Call::Add { amount }),
        any::<(u32, bool)>()
            .prop_map(|(extra, answers_challenges)| Call::Weigh { extra, answers_challenges }),
        any::<([u8; 32], u8)>().prop_map(|(by, byte)| Call::Witnessed {
            by: PublicKey(by),
            signature: Signature([byte; 64])
        }),
    ]
}

prop_compose! {
    fn event()(
        signer: [u8; 32], nonce: u64, fee: u64, valid_until: Option<u64>, call in call(),
        signature: u8,
    ) -> Event<Call> {
        Event {
            signer: PublicKey(signer),
            nonce,
            fee: Amount::from_units(fee),
            valid_until: valid_until.map(Height),
            call,
            signature: Signature([signature; 64]),
        }
    }
}

prop_compose! {
    fn block()(
        numbers: [u32; 4], height: u64, hashes: [[u8; 32]; 6], extra_nonce: [u8; 8],
        events in prop::collection::vec(event(), 0..70),
    ) -> Block<Call> {
        let [version, time, bits, nonce] = numbers;
        let [parent, commitment, miner, event_root, state_root, history_root] = hashes;
        let (parent, commitment) = (BlockHash(parent), CommitmentHash(commitment));
        Block {
            header: Header { version, parent, commitment, time, bits, nonce },
            commitment: Commitment {
                height: Height(height),
                miner: Principal(miner),
                event_root: EventRoot(event_root),
                state_root: StateRoot(state_root),
                history_root: HistoryRoot(history_root),
                extra_nonce,
            },
            events: events.try_into().unwrap(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_candidate_has_the_blocks_encoding(block in block()) {
        let bytes = block.encode();
        let candidate = Candidate::from(block.clone());
        prop_assert_eq!(candidate.encoded(), bytes.clone());
        prop_assert_eq!(Candidate::decode(&bytes), Ok(candidate.clone()));
        prop_assert_eq!(decode_exact::<Block<Call>>(&bytes, bytes.len()), Ok(block));
        // Each event keeps the bytes that it came in.
        for event in candidate.body.events() {
            prop_assert_eq!(event.encoded(), event.event().encode());
            let again = EncodedEvent::decode(event.encoded().to_vec(), 1000);
            prop_assert_eq!(again.as_ref(), Ok(event));
        }
        prop_assert_eq!(Body::decode(&candidate.body.encoded()), Ok(candidate.body));
    }

    /// Whatever is accepted is the only encoding of what it means.
    #[test]
    fn damaged_bytes_are_refused_or_mean_something_else(
        block in block(), place: prop::sample::Index, value: u8, cut: prop::sample::Index,
    ) {
        let mut bytes = block.encode();
        let place = place.index(bytes.len());
        bytes[place] = value;
        if let Ok(candidate) = Candidate::<Call>::decode(&bytes) {
            prop_assert_eq!(candidate.encoded(), bytes.clone());
        }
        bytes.truncate(cut.index(bytes.len()));
        if let Ok(candidate) = Candidate::<Call>::decode(&bytes) {
            prop_assert_eq!(candidate.encoded(), bytes);
        }
    }

    #[test]
    fn noise_is_no_block(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(candidate) = Candidate::<Call>::decode(&bytes) {
            prop_assert_eq!(candidate.encoded(), bytes);
        }
    }

    #[test]
    fn params_and_chain_info_round_trip(numbers: [u32; 6], constant: bool, info: [u8; 80]) {
        let [genesis_time, genesis_bits, limit_bits, spacing, half_life_spacings, max_future] =
            numbers;
        let difficulty = if constant {
            Difficulty::Constant
        } else {
            Difficulty::Asert { half_life_spacings }
        };
        let params =
            Params { genesis_time, genesis_bits, limit_bits, spacing, difficulty, max_future };
        prop_assert_eq!(decode_exact::<Params>(&params.encode(), 25), Ok(params));
        let decoded = decode_exact::<ChainInfo>(&info, 80).unwrap();
        prop_assert_eq!(decoded.encode(), info.to_vec());
    }
}

#[test]
fn a_count_alone_reserves_nothing_and_too_many_events_are_none() {
    let malformed =
        |bytes: &[u8]| matches!(Body::<Call>::decode(bytes), Err(DecodeError::Malformed(_)));
    assert!(malformed(&Compact(u32::try_from(MAX_EVENTS).unwrap()).encode()));
    assert!(malformed(&Compact(u32::MAX).encode()));
    let event =
        Event::signed(&secret(1), &BlockHash::ZERO, 0, Amount::ZERO, None, Call::Add { amount: 1 });
    let too_many = vec![EncodedEvent::from(event); MAX_EVENTS + 1];
    assert!(Body::new(too_many).is_err());
    assert_eq!(Params::decode(&mut &[0; 24][..]).ok(), None);
}
