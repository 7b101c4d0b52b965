//! Random events: mostly sensible, often at a boundary, sometimes nonsense.

use crate::oracle::{Id, Oracle, Placement, Wait};
use crate::world::{NO_SIGNATURE, fragment_of, proof};
use blocktree_primitives::{
    Amount, BlockPath, BoundedBytes, BoundedVec, ContentHash, FragmentRoot, Height, Name, OfferId,
    PlacementId, Principal, PublicKey, Span,
};
use pallet_storage::{
    Authority, Call, Claim, Code, Codec, Evidence, NewOffer, SignedAcceptance, SignedExtension,
    Terms,
};
use proptest::prelude::*;

/// Sizes of fragments: 1, 1, 2, 3 and 6 leaves.
const SIZES: [usize; 5] = [1, 256, 257, 600, 1300];

/// What a random step does. Numbers pick among what there is when the step is taken.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Ends the block and begins the next, which sees so many seconds more.
    Next {
        seconds: u8,
    },
    Announce {
        who: u8,
        min_payment: u8,
        pot: u16,
    },
    Withdraw {
        who: u8,
    },
    Offer {
        who: u8,
        name: u8,
        version: u8,
        n: u8,
        size: u8,
        payment: u8,
        payments: u8,
        lives: u8,
    },
    Place {
        offer: u8,
        providers: Vec<u8>,
        skip: u8,
        valid: u8,
        wrong: u8,
    },
    Demand {
        placement: u8,
        who: u8,
    },
    Prove {
        placement: u8,
        wrong: u8,
    },
    /// Answers every challenge in one payout.
    ProveAll,
    Receipt {
        placement: u8,
        back: u8,
        wrong: u8,
    },
    Extend {
        placement: u8,
        periods: u8,
        wrong: u8,
    },
    Exit {
        placement: u8,
        wrong: u8,
    },
    Close {
        placement: u8,
        who: u8,
    },
    Cancel {
        offer: u8,
        who: u8,
    },
}

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let any = any::<u8>;
    // Rarely wrong.
    let wrong = || prop_oneof![9 => Just(0u8), 1 => 1u8..4];
    // Mostly from 1 on, rarely 0.
    let some = |most: u8| prop_oneof![12 => 1..most, 1 => Just(0)];
    let op = prop_oneof![
        24 => (0u8..12).prop_map(|seconds| Op::Next { seconds }),
        4 => (any(), prop_oneof![4 => 0u8..3, 1 => 0u8..30], 0u16..3000)
            .prop_map(|(who, min_payment, pot)| Op::Announce { who, min_payment, pot }),
        1 => any().prop_map(|who| Op::Withdraw { who }),
        6 => (any(), any(), some(4), some(9), any(), some(40), some(5), some(80)).prop_map(
            |(who, name, version, n, size, payment, payments, lives)| Op::Offer {
                who, name, version, n, size, payment, payments, lives
            }
        ),
        14 => (any(), prop_oneof![9 => prop::collection::vec(any(), 1..4), 1 => Just(vec![])], 0u8..3, some(11), wrong()).prop_map(
            |(offer, providers, skip, valid, wrong)| Op::Place {
                offer, providers, skip, valid, wrong
            }
        ),
        6 => (any(), 0u8..3).prop_map(|(placement, who)| Op::Demand { placement, who }),
        5 => (any(), wrong()).prop_map(|(placement, wrong)| Op::Prove { placement, wrong }),
        5 => Just(Op::ProveAll),
        4 => (any(), 0u8..8, wrong())
            .prop_map(|(placement, back, wrong)| Op::Receipt { placement, back, wrong }),
        2 => (any(), 0u8..3, wrong())
            .prop_map(|(placement, periods, wrong)| Op::Extend { placement, periods, wrong }),
        1 => (any(), wrong()).prop_map(|(placement, wrong)| Op::Exit { placement, wrong }),
        3 => (any(), any()).prop_map(|(placement, who)| Op::Close { placement, who }),
        2 => (any(), any()).prop_map(|(offer, who)| Op::Cancel { offer, who }),
    ];
    prop::collection::vec(op, 1..300)
}

/// The people of the model, by number; some keys are nobody's.
pub(crate) fn key(number: u8) -> PublicKey {
    PublicKey([number % 4 + 1; 32])
}

pub(crate) fn id(number: u8) -> Id {
    Principal::of(&key(number)).0
}

fn key_of(id: &Id) -> PublicKey {
    let number = (0..4).find(|number| self::id(*number) == *id);
    key(number.unwrap())
}

fn pick<T>(items: &[T], number: u8) -> Option<&T> {
    let at = usize::from(number).checked_rem(items.len())?;
    items.get(at)
}

/// The event that a step stands for; none if there is nothing to do it with.
pub(crate) fn event(op: &Op, oracle: &Oracle) -> Option<(Id, Call)> {
    let placement = |number: &u8| pick(&oracle.array, *number);
    Some(match op {
        Op::Next { .. } => return None,
        Op::Announce { who, min_payment, pot } => {
            let call = Call::Announce {
                capacity: 1,
                min_payment: Amount::from_units((*min_payment).into()),
                pot: Amount::from_units((*pot).into()),
            };
            (id(*who), call)
        }
        Op::Withdraw { who } => (id(*who), Call::Withdraw),
        Op::Offer { who, .. } => (id(*who), Call::Offer(offer(op, oracle)?)),
        Op::Place { offer, providers, skip, valid, wrong } => {
            // One that takes placements, unless this is to be wrong.
            let open: Vec<_> = oracle
                .offers
                .iter()
                .filter(|o| *wrong > 0 || (!o.cancelled && o.expires_at >= oracle.height))
                .collect();
            let offer = *pick(&open, *offer)?;
            let highest = offer.highest.map_or(0, |highest| highest + 1);
            let acceptances: Vec<_> =
                (0u32..)
                    .zip(providers)
                    .map(|(i, provider)| SignedAcceptance {
                        provider_key: key(*provider),
                        // Ids rise unless this is to be wrong.
                        fragment_id: (highest + i + u32::from(*skip))
                            .saturating_sub(if *wrong == 1 { 2 } else { 0 }),
                        root: FragmentRoot(crate::naive::root(&fragment_of(offer.size))),
                        size: offer.size + u64::from(*wrong == 2),
                        valid_until: Height((oracle.height + u64::from(*valid)).saturating_sub(1)),
                        signature: NO_SIGNATURE,
                    })
                    .collect();
            let author =
                if *wrong == 3 { id(providers.len().try_into().ok()?) } else { offer.owner };
            let acceptances = BoundedVec::try_from(acceptances).ok()?;
            (author, Call::Place { offer: OfferId(offer.id), acceptances })
        }
        Op::Demand { placement: number, who } => {
            let placement = placement(number)?;
            let author = [placement.owner, placement.provider, id(*number)][usize::from(*who)];
            (author, Call::Demand { placement: PlacementId(placement.id) })
        }
        Op::Prove { placement: number, wrong } => {
            (id(*number), payout(vec![answer(placement(number)?, *wrong)])?)
        }
        Op::ProveAll => {
            let challenged = oracle.array.iter().filter(|p| p.wait != Wait::Idle);
            let claims: Vec<_> = challenged
                .filter(|p| matches!(p.wait, Wait::Challenged { .. }))
                .take(64)
                .map(|p| answer(p, 0))
                .collect();
            // A payout of nothing now and then.
            if claims.is_empty() && !oracle.height.is_multiple_of(8) {
                return None;
            }
            (id(0), payout(claims)?)
        }
        Op::Receipt { placement: number, back, wrong } => {
            let placement = placement(number)?;
            let owner = if *wrong == 1 { key(*number) } else { key_of(&placement.owner) };
            let through =
                Height((oracle.height + u64::from(*wrong)).saturating_sub((*back).into()));
            let signature = NO_SIGNATURE;
            let evidence = Evidence::Receipt { owner_key: owner, through, signature };
            let claim = Claim { placement: PlacementId(placement.id), evidence };
            let twice = if *wrong == 3 { vec![claim.clone(), claim] } else { vec![claim] };
            (id(*number), payout(twice)?)
        }
        Op::Extend { placement: number, periods, wrong } => {
            let placement = placement(number)?;
            let old_end = placement.end() + u64::from(*wrong == 1);
            let more = u64::from(*periods) * placement.period + u64::from(*wrong == 2);
            let provider_key = if *wrong == 3 { key(*number) } else { key_of(&placement.provider) };
            let extension = SignedExtension {
                placement: PlacementId(placement.id),
                old_end: Height(old_end),
                new_end: Height(old_end + more),
                provider_key,
                signature: NO_SIGNATURE,
            };
            (placement.owner, Call::Extend(extension))
        }
        Op::Exit { placement: number, wrong } => {
            let placement = placement(number)?;
            let author = if *wrong == 1 { placement.owner } else { placement.provider };
            (author, Call::Exit { placement: PlacementId(placement.id) })
        }
        Op::Close { placement: number, who } => {
            let placement = placement(number)?;
            let author = if *who % 2 == 0 { placement.provider } else { id(*who) };
            (author, Call::Close { placement: PlacementId(placement.id) })
        }
        Op::Cancel { offer, who } => {
            let offer = pick(&oracle.offers, *offer)?;
            let author = if *who % 2 == 0 { offer.owner } else { id(*who) };
            (author, Call::Cancel { offer: OfferId(offer.id) })
        }
    })
}

fn offer(op: &Op, oracle: &Oracle) -> Option<NewOffer> {
    let Op::Offer { who, name, version, n, size, payment, payments, lives } = op else {
        return None;
    };
    let name = Name::new(["a", "b"][usize::from(*name % 2)]).ok()?;
    // Sometimes another's path.
    let root = if *lives == 79 { id(who.wrapping_add(1)) } else { id(*who) };
    let path = BlockPath::new(Principal(root), vec![name]).ok()?;
    let encoded = parity_scale_codec::Encode::encode(&path);
    let newest = oracle.offers.iter().rev().find(|offer| offer.path == encoded);
    let newest = newest.map_or(1, |offer| offer.version);
    let size = *pick(&SIZES, *size)?;
    Some(NewOffer {
        authority: Authority::Root,
        path,
        version: newest + u64::from(*version) - u64::from(newest > 0),
        code: Code {
            codec: Codec::RaptorQ,
            k: 1,
            n: u16::from(*n),
            fragment_size: u64::try_from(size).ok()?,
            params: BoundedBytes::new(),
        },
        content_hash: ContentHash([0; 32]),
        terms: Terms {
            payment: Amount::from_units((*payment).into()),
            // Period 7 or 8, or 6, which is too short.
            period: Span(u64::from(*payment % 7).min(2) + 6),
            payments: u32::from(*payments),
            collateral: Amount::from_units(u64::from(*lives) * 5 / 2 + u64::from(*version) * 60),
        },
        expires_at: Height((oracle.height + u64::from(*lives)).saturating_sub(1)),
    })
}

/// The answer to a challenge, or the one to another leaf, or a damaged one.
fn answer(placement: &Placement, wrong: u8) -> Claim {
    let index = match placement.wait {
        Wait::Challenged { leaf, .. } => leaf,
        Wait::Idle | Wait::Demanded => 0,
    };
    let leaves = placement.size.div_ceil(256);
    let index = if wrong == 1 { (index + 1) % leaves } else { index };
    let (mut leaf, mut siblings) = crate::naive::proof(&fragment_of(placement.size), index);
    if wrong == 2 {
        leaf[0] ^= 1;
    }
    if wrong == 3 {
        siblings.push([0; 32]);
    }
    proof(&PlacementId(placement.id), leaf, siblings)
}

fn payout(claims: Vec<Claim>) -> Option<Call> {
    Some(Call::Payout { claims: BoundedVec::try_from(claims).ok()? })
}
