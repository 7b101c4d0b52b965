//! What needs no state: bounds, signatures, weight.

use crate::call::{
    Call, Claim, Evidence, MAX_FRAGMENT_SIZE, MAX_FRAGMENTS, NewOffer, SignedExtension,
};
use crate::message::{Acceptance, Extension, Receipt};
use crate::params::MAX_LIFETIME;
use crate::{Error, Params};
use blocktree_primitives::{BlockHash, PlacementId};
use pallet_support::{SignatureCheck, Weight, weights};
use std::collections::BTreeMap;

/// Checks what needs no state.
///
/// # Errors
/// See [`Error`].
pub fn check_call(params: &Params, call: &Call) -> Result<(), Error> {
    match call {
        Call::Offer(offer) => check_offer(params, offer),
        Call::Place { acceptances, .. } if acceptances.is_empty() => Err(Error::NoAcceptance),
        Call::Place { acceptances, .. } => check_order(acceptances),
        Call::Payout { claims } => check_claims(claims),
        Call::Extend(extension) => check_extension(extension),
        Call::Announce { .. }
        | Call::Withdraw
        | Call::Demand { .. }
        | Call::Exit { .. }
        | Call::Close { .. }
        | Call::Cancel { .. } => Ok(()),
    }
}

/// docs/protocol.md §8.2: 1 ≤ k ≤ n ≤ 256; all terms at least 1; period ≥ T; caps.
fn check_offer(params: &Params, offer: &NewOffer) -> Result<(), Error> {
    let (code, terms) = (&offer.code, &offer.terms);
    let (k, n) = (code.k, code.n);
    if k < 1 || k > n || usize::from(n) > MAX_FRAGMENTS {
        return Err(Error::BadCode { k, n });
    }
    if code.fragment_size < 1 || code.fragment_size > MAX_FRAGMENT_SIZE {
        return Err(Error::BadFragmentSize(code.fragment_size));
    }
    if terms.payment.is_zero() {
        return Err(Error::NoPayment);
    }
    if terms.payments == 0 {
        return Err(Error::NoPayments);
    }
    if terms.collateral.is_zero() {
        return Err(Error::NoCollateral);
    }
    if terms.period < params.interval {
        return Err(Error::PeriodTooShort { period: terms.period, least: params.interval });
    }
    let lifetime = terms.period.checked_mul(u64::from(terms.payments));
    if lifetime.is_none_or(|span| span > MAX_LIFETIME) {
        return Err(Error::LastsTooLong { most: MAX_LIFETIME });
    }
    if terms.payment > params.max_payment {
        return Err(Error::PaymentAboveCap { payment: terms.payment, cap: params.max_payment });
    }
    if terms.collateral > params.max_collateral {
        return Err(Error::CollateralAboveCap {
            collateral: terms.collateral,
            cap: params.max_collateral,
        });
    }
    Ok(())
}

/// One counter per offer (docs/protocol.md §8.3): within a call, too, fragment ids rise.
fn check_order(acceptances: &[crate::call::SignedAcceptance]) -> Result<(), Error> {
    for (before, after) in acceptances.iter().zip(acceptances.iter().skip(1)) {
        if after.fragment_id <= before.fragment_id {
            return Err(Error::FragmentIdUsed {
                placed: before.fragment_id,
                given: after.fragment_id,
            });
        }
    }
    Ok(())
}

/// docs/protocol.md §8.6: two claims for one placement are refused.
fn check_claims(claims: &[Claim]) -> Result<(), Error> {
    if claims.is_empty() {
        return Err(Error::NoClaim);
    }
    let mut seen: BTreeMap<PlacementId, usize> = BTreeMap::new();
    for (index, claim) in claims.iter().enumerate() {
        if let Some(first) = seen.insert(claim.placement, index) {
            return Err(Error::ClaimedTwice(first, index));
        }
    }
    Ok(())
}

fn check_extension(extension: &SignedExtension) -> Result<(), Error> {
    if extension.new_end > extension.old_end { Ok(()) } else { Err(Error::NotWholePeriods) }
}

/// Adds the signatures within a call: of providers under acceptances and extensions, of owners
/// under receipts. Whether a key is the right party's is checked with the state.
pub fn signatures(genesis: &BlockHash, call: &Call, out: &mut Vec<SignatureCheck>) {
    match call {
        Call::Place { offer, acceptances } => {
            out.extend(acceptances.iter().map(|signed| SignatureCheck {
                key: signed.provider_key,
                digest: Acceptance::of(*offer, signed).digest(genesis),
                signature: signed.signature,
            }));
        }
        Call::Payout { claims } => {
            out.extend(claims.iter().filter_map(|claim| receipt(genesis, claim)));
        }
        Call::Extend(signed) => out.push(SignatureCheck {
            key: signed.provider_key,
            digest: Extension::of(signed).digest(genesis),
            signature: signed.signature,
        }),
        Call::Announce { .. }
        | Call::Withdraw
        | Call::Offer(_)
        | Call::Demand { .. }
        | Call::Exit { .. }
        | Call::Close { .. }
        | Call::Cancel { .. } => {}
    }
}

fn receipt(genesis: &BlockHash, claim: &Claim) -> Option<SignatureCheck> {
    let Evidence::Receipt { owner_key, through, signature } = &claim.evidence else {
        return None;
    };
    let receipt = Receipt { placement: claim.placement, through: *through };
    Some(SignatureCheck { key: *owner_key, digest: receipt.digest(genesis), signature: *signature })
}

/// What a call weighs beyond the event's encoded bytes and its signer's signature
/// (docs/protocol.md §4). New entries: a provider's record; an offer and its place in the path's
/// list; a placement with its slot and its mark at the provider; a demand's challenge.
#[must_use]
pub fn weight(call: &Call) -> Weight {
    match call {
        Call::Announce { .. } | Call::Demand { .. } => weights::NEW_ENTRY,
        Call::Offer(_) => 2 * weights::NEW_ENTRY,
        Call::Place { acceptances, .. } => {
            let each = weights::SIGNATURE + 3 * weights::NEW_ENTRY;
            count(acceptances.len()) * each
        }
        Call::Payout { claims } => claims
            .iter()
            .map(|claim| match claim.evidence {
                Evidence::Proof { .. } => weights::PROOF,
                Evidence::Receipt { .. } => weights::SIGNATURE,
            })
            .sum(),
        Call::Extend(_) => weights::SIGNATURE,
        Call::Withdraw | Call::Exit { .. } | Call::Close { .. } | Call::Cancel { .. } => 0,
    }
}

/// Whether a call answers challenges if the fold accepts it: a payout by proofs alone, each of which
/// is refused where no challenge is pending (docs/protocol.md §8.6).
#[must_use]
pub fn may_answer(call: &Call) -> bool {
    let by_proof = |claim: &Claim| matches!(claim.evidence, Evidence::Proof { .. });
    matches!(call, Call::Payout { claims } if claims.iter().all(by_proof))
}

/// At most 256, by the bound of the type.
fn count(items: usize) -> Weight {
    Weight::try_from(items).unwrap_or(Weight::MAX / 1_000_000)
}
