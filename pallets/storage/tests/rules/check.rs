//! Weights, and golden encodings. The golden hashes were made with Python's hashlib and struct
//! from the layouts of docs/protocol.md §8, not with this code.

use crate::naive;
use crate::world::{NO_SIGNATURE, genesis, person};
use blocktree_primitives::{
    Amount, BlockPath, BoundedBytes, BoundedVec, ContentHash, Event, FragmentRoot, Height, Name,
    OfferId, PlacementId, Principal, PublicKey, Signature, Span, decode_exact,
};
use pallet_storage::params::CLAIM_WEIGHT;
use pallet_storage::state::{Challenge, Offer, Pending, Placement, Provider, Standing};
use pallet_storage::{
    Acceptance, Authority, Call, Claim, Code, Codec, Effect, Evidence, Extension, NewOffer,
    Receipt, Removal, SignedAcceptance, SignedExtension, Terms, placement_id, weight,
};
use parity_scale_codec::{Decode, Encode};

const SIGNATURE: Signature = Signature([0x55; 64]);

fn units(units: u64) -> Amount {
    Amount::from_units(units)
}

fn path() -> BlockPath {
    BlockPath::new(Principal([0x66; 32]), vec![Name::new("a").unwrap()]).unwrap()
}

fn code() -> Code {
    Code {
        codec: Codec::ReedSolomon,
        k: 2,
        n: 3,
        fragment_size: 600,
        params: BoundedBytes::try_from(vec![8, 9]).unwrap(),
    }
}

fn terms() -> Terms {
    Terms { payment: units(100), period: Span(10), payments: 6, collateral: units(999) }
}

fn proof() -> Claim {
    let siblings = BoundedVec::try_from(vec![[0x99; 32]]).unwrap();
    Claim {
        placement: PlacementId([0x44; 32]),
        evidence: Evidence::Proof { leaf: b"abc".to_vec().try_into().unwrap(), siblings },
    }
}

fn receipt() -> Claim {
    Claim {
        placement: PlacementId([0x45; 32]),
        evidence: Evidence::Receipt {
            owner_key: PublicKey([0x88; 32]),
            through: Height(1000),
            signature: SIGNATURE,
        },
    }
}

/// One call of every kind.
fn calls() -> Vec<Call> {
    let acceptance = SignedAcceptance {
        provider_key: PublicKey([0x88; 32]),
        fragment_id: 7,
        root: FragmentRoot([0x33; 32]),
        size: 600,
        valid_until: Height(1000),
        signature: SIGNATURE,
    };
    let placement = PlacementId([0x44; 32]);
    let offer = OfferId([0x11; 32]);
    vec![
        Call::Announce { capacity: 1, min_payment: units(2), pot: units(3) },
        Call::Withdraw,
        Call::Offer(NewOffer {
            authority: Authority::Root,
            path: path(),
            version: 5,
            code: code(),
            content_hash: ContentHash([0x77; 32]),
            terms: terms(),
            expires_at: Height(100),
        }),
        Call::Place { offer, acceptances: vec![acceptance].try_into().unwrap() },
        Call::Demand { placement },
        Call::Payout { claims: vec![proof(), receipt()].try_into().unwrap() },
        Call::Extend(SignedExtension {
            placement,
            old_end: Height(62),
            new_end: Height(82),
            provider_key: PublicKey([0x88; 32]),
            signature: SIGNATURE,
        }),
        Call::Exit { placement },
        Call::Close { placement },
        Call::Cancel { offer },
    ]
}

#[track_caller]
fn golden<T: Encode + Decode + PartialEq + std::fmt::Debug>(value: &T, len: usize, hash: &str) {
    let bytes = value.encode();
    assert_eq!((bytes.len(), hex::encode(naive::sha256(&[&bytes])).as_str()), (len, hash));
    assert_eq!(decode_exact::<T>(&bytes, len).as_ref(), Ok(value));
    for cut in 0..len {
        assert!(decode_exact::<T>(&bytes[..cut], len).is_err(), "{cut} of {len} bytes");
    }
}

#[test]
fn encodings_of_calls_are_frozen() {
    let golden_hashes = [
        (25, "b3a0fa95548c1be9924b8f1758ef14309cce9d8d991553f85ef8057fb1d505ca"),
        (1, "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"),
        (129, "9bf694875bfe2eaea922cf0e0e772856d79dd8663a80fea191657ade66a28cd8"),
        (182, "d065e072747302c9656d00a3b7a63fd49bb4ec67c6ddf85f88720bfda307caa0"),
        (33, "184b8fc3f50d1ace8af45cf585b622966ccb1d9d4f423465241292a0fb34de44"),
        (209, "23b8eca97d8e18c49cab8f7a040e88358dd8b929a717ec9951115e2578b36e72"),
        (145, "e957758ba4a9b1bede39d1c349e1e7c89504e981ad0604c29422e669a526765b"),
        (33, "5b2c0f9915280da65135948e1068af7b4320a7ab9dec70dfdc3e3e1504cb440d"),
        (33, "9320f152a85de111d1a7f9cc31f469d318d03b2c31b17d58793e5a3962d50f93"),
        (33, "b1915c496baee7b3c1c8f41b8d7f26eb775f926c86ba64b525e01b0abae8a190"),
    ];
    let calls = calls();
    assert_eq!(calls.len(), golden_hashes.len());
    for (call, (len, hash)) in calls.iter().zip(golden_hashes) {
        golden(call, len, hash);
    }
}

#[test]
fn what_is_signed_is_frozen() {
    let acceptance = Acceptance {
        offer: OfferId([0x11; 32]),
        fragment_id: 7,
        provider: Principal([0x22; 32]),
        root: FragmentRoot([0x33; 32]),
        size: 600,
        valid_until: Height(1000),
    };
    let placement = PlacementId([0x44; 32]);
    let receipt = Receipt { placement, through: Height(1000) };
    let extension = Extension { placement, old_end: Height(62), new_end: Height(82) };
    for (digest, expected) in [
        (
            acceptance.digest(&genesis()),
            "fb9a04c9d83f5c6edd6b598bf742e881d12e99e1381fb6ac4ad46ac2b0ad9e35",
        ),
        (
            receipt.digest(&genesis()),
            "2bd8fa832746e332ee80c4baa170a97a503da1dba25164545eea6dc402e20ed2",
        ),
        (
            extension.digest(&genesis()),
            "f60e450f8328538426774e45d702860de33ab2526b077b3c7ccdee48e9824ee8",
        ),
        (
            placement_id(&OfferId([0x11; 32]), 7).0,
            "f1f0b858ccbc210fcd96ce27c632f5d77dfcc8ac842349eef463ee55dc9f1f0d",
        ),
    ] {
        assert_eq!(hex::encode(digest), expected);
    }
}

#[test]
fn encodings_of_state_are_frozen() {
    golden(
        &Provider {
            standing: Some(Standing {
                capacity: 1,
                min_payment: units(2),
                pot: units(3),
                maturity: Some(Height(4)),
            }),
            deposit: units(5),
            since: Height(6),
            placements: 7,
            bytes: 8,
            passed: 9,
            missed: 10,
            strikes: 11,
            lost: 12,
        },
        106,
        "683ae0d67e1bb414c808649b79cf88021ba3dc5433a5fdff8eb881f4865e77e4",
    );
    golden(
        &Offer {
            owner: Principal([0x66; 32]),
            path: path(),
            version: 5,
            code: code(),
            content_hash: ContentHash([0x77; 32]),
            terms: terms(),
            expires_at: Height(100),
            created: Height(1),
            cancelled: true,
            reserve: 2,
            deposit: units(100),
            placement_deposit: units(50),
            last_fragment: Some(7),
        },
        191,
        "593a325b80b03457963b19f919711664d5cdad539f65958c985e413a5d7f819e",
    );
    golden(
        &Placement {
            owner: Principal([0x66; 32]),
            provider: Principal([0x88; 32]),
            offer: OfferId([0x11; 32]),
            fragment_id: 7,
            root: FragmentRoot([0x33; 32]),
            size: 600,
            payment: units(100),
            period: Span(10),
            collateral: units(999),
            deposit: units(50),
            start: Height(2),
            last: Height(12),
            end: Height(62),
            score: 4,
            last_strike: Some(Height(4)),
            last_relief: None,
            slot: 3,
            pending: Pending::Challenge(9),
            demand_deposit: units(20),
            owner_demand: Some(Height(3)),
            provider_demand: None,
            final_demand: true,
        },
        243,
        "e3044dfc073dda362d9eedbcc217a129529a90e6310eb9301c0709e1ee3d7b58",
    );
    golden(
        &Challenge {
            placement: PlacementId([0x44; 32]),
            leaf: 2,
            opened: Height(5),
            opened_median_time: 1050,
        },
        52,
        "d438863c3360a6c53f6df7dfbd3705083b80d44355664efa4ebb31d8a32b5499",
    );
}

#[test]
fn encodings_of_effects_are_frozen() {
    let provider = Principal([0x88; 32]);
    let owner = Principal([0x66; 32]);
    let placement = PlacementId([0x44; 32]);
    let offer = OfferId([0x11; 32]);
    let opened = Height(5);
    let effects = [
        Effect::Announced { provider, capacity: 1, min_payment: units(2), pot: units(3) },
        Effect::WithdrawalStarted { provider, maturity: Height(4) },
        Effect::Withdrawn { provider, freed: units(5) },
        Effect::ProviderRemoved { provider },
        Effect::OfferOpened { offer, path: path(), version: 5, locked: units(6) },
        Effect::Placed { placement, offer, fragment_id: 7, owner, provider, end: Height(62) },
        Effect::Demanded { placement, provider, by: owner },
        Effect::ChallengeOpened { placement, provider, leaf: 2, opened, expires_from: Height(10) },
        Effect::Passed { placement, provider, opened, score: 4, demand_deposit: units(20) },
        Effect::Missed { placement, provider, opened, score: 4, periods: 1, forfeited: units(100) },
        Effect::Paid {
            placement,
            provider,
            periods: 2,
            gross: units(200),
            burned: units(6),
            last: Height(22),
        },
        Effect::Extended { placement, provider, end: Height(82) },
        Effect::CollateralBurned { placement, provider, amount: units(999) },
        Effect::PlacementRemoved {
            placement,
            offer,
            fragment_id: 7,
            owner,
            provider,
            reason: Removal::ClosedByDraw,
            forfeited: units(1),
            returned: units(2),
        },
        Effect::OfferCancelled { offer, returned: units(5) },
        Effect::OfferRemoved { offer, path: path(), version: 5, returned: units(6) },
    ];
    let bytes: Vec<u8> = effects.iter().flat_map(Encode::encode).collect();
    assert_eq!(
        hex::encode(naive::sha256(&[&bytes])),
        "4649dad24716ebb250eb926f5c1d33169b15da1a790ec344180faaf72973d9d4"
    );
    let mut rest = bytes.as_slice();
    for effect in &effects {
        assert_eq!(Effect::decode(&mut rest).as_ref(), Ok(effect));
    }
    assert!(rest.is_empty());
}

/// Per signature 100, per proof 50, per new entry 100: what comes on top of the bytes and of the
/// signer's own signature.
#[test]
fn weights_count_signatures_proofs_and_entries() {
    let expected = [
        100,       // announce: the record
        0,         // withdraw
        200,       // offer: the offer and its place in the path's list
        100 + 300, // place: a signature; placement, slot, mark
        100,       // demand: the challenge
        50 + 100,  // payout: a proof, and a receipt's signature
        100,       // extend: a signature
        0,
        0,
        0,
    ];
    let weights: Vec<u64> = calls().iter().map(weight).collect();
    assert_eq!(weights, expected);
}

/// 124 bytes of event, 1,316 of claim, 100 for the signer, 50 for the proof: 1,590.
#[test]
fn the_claim_weight_is_that_of_the_largest_answer() {
    let claim = Claim {
        placement: PlacementId([1; 32]),
        evidence: Evidence::Proof {
            leaf: vec![0; 256].try_into().unwrap(),
            siblings: vec![[0; 32]; 32].try_into().unwrap(),
        },
    };
    let call = Call::Payout { claims: vec![claim].try_into().unwrap() };
    let extra = weight(&call);
    // The runtime's call is the pallet's with an index before it.
    let event = Event {
        signer: person(1).key,
        nonce: 0,
        fee: Amount::ZERO,
        valid_until: Some(Height(1)),
        call: (2u8, call),
        signature: NO_SIGNATURE,
    };
    assert_eq!(event.encode().len(), 1440);
    assert_eq!(1440 + 100 + extra, 1590);
    assert_eq!(CLAIM_WEIGHT, 1590);
}

/// Longer collections than the types allow are refused before they are read: 65 claims and 257
/// acceptances, as compact numbers 4 · 65 + 1 = 0x0105 and 4 · 257 + 1 = 0x0405.
#[test]
fn bounds_hold_while_decoding() {
    let many_claims = [&[5u8][..], &[5, 1][..]].concat();
    let many_acceptances = [&[3u8][..], &[0; 32], &[5, 4]].concat();
    for bytes in [many_claims, many_acceptances] {
        let refused = decode_exact::<Call>(&bytes, 1 << 20).unwrap_err().to_string();
        assert!(refused.contains("longer than its bound"), "{refused}");
    }
    assert!(decode_exact::<Call>(&[10], 10).is_err(), "no call has index 10");
}
