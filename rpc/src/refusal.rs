//! The codes of everything that the ledger refuses, one per named refusal. Each table is matched
//! exhaustively against the type that it names, so a refusal without a code does not compile.

use crate::error::{RpcError, Rule, interface};
use blocktree_consensus::{EventError, NotYet, Violation};
use blocktree_mempool::{Dropped, PoolRefusal};
use blocktree_primitives::DecodeError;
use blocktree_primitives::key::SignatureError;
use blocktree_runtime::Refusal;
use blocktree_service::{GenerateError, Stopped, SubmitError, TemplateError};
use blocktree_state::Fault;

/// A table of rules for the variants of one enum, `Group.Variant`; those of `within` have rules of their own.
macro_rules! refusals {
    (
        $(#[$doc:meta])*
        mod $module:ident for $type:path {
            $($variant:ident = $code:literal $meaning:literal;)*
        }
        $(within { $($inner:ident => $rule:path;)* })?
    ) => {
        $(#[$doc])*
        pub mod $module {
            #![allow(non_upper_case_globals)] // named as the variants that they stand for
            use crate::error::Rule;
            use $type as Refused;
            $(
                #[doc = $meaning]
                pub static $variant: Rule = Rule::new(
                    $code,
                    concat!(stringify!($module), ".", stringify!($variant)),
                    $meaning,
                );
            )*
            /// All of this table, in the order of their codes.
            pub static ALL: &[&Rule] = &[$(&$variant),*];

            /// The rule that a refusal names.
            #[must_use]
            pub fn rule(refused: &Refused) -> &'static Rule {
                match refused {
                    $(Refused::$variant { .. } => &$variant,)*
                    $($(Refused::$inner(inner) => $rule(inner),)*)?
                }
            }
        }
    };
}

refusals! {
    /// 1150 to 1169: why the pool does not take an event in.
    mod pool for blocktree_mempool::PoolRefusal {
        TipMoved = 1150 "the tip moved while the event was looked at: send it again";
        AlreadyKnown = 1151 "the event waits already";
        TooHeavy = 1152 "no block has room for the event";
        FeeTooLow = 1153 "the fee is below the relay floor";
        Expired = 1154 "the event's last block has passed";
        ExpiresTooSoon = 1155 "the event would expire before it has a fair chance";
        NonceUsed = 1156 "an event with this nonce is on the ledger";
        NonceTooFar = 1157 "the nonce is further ahead than events may wait";
        TooManyFromSigner = 1158 "as many events of this signer wait as may";
        ReplacementFeeTooLow = 1159 "an event with this nonce waits, and this one does not pay enough more";
        Overdraft = 1160 "the signer can't pay the fees of all its waiting events";
        PoolFull = 1161 "the pool is full and the event pays too little for its weight";
    }
}

refusals! {
    /// 1170 to 1189: why an event left the pool without being mined. `event_status` tells the name.
    mod dropped for blocktree_mempool::Dropped {
        Replaced = 1170 "its signer sent another event with the same nonce and a higher fee";
        Expired = 1171 "its last block has passed";
        WaitedTooLong = 1172 "it waited longer than this node lets events wait";
        NonceUsed = 1173 "its nonce was used by another event of the ledger";
        Evicted = 1174 "the pool was full and it paid least";
        Refused = 1175 "templates refused it as often as this node tries";
        Invalid = 1176 "this version of the program does not find it valid";
    }
}

refusals! {
    /// 1200 to 1299: the coin.
    mod coin for pallet_coin::Error {
        Expired = 1200 "the event has expired";
        NonceUsed = 1201 "the nonce was used already";
        NonceAhead = 1202 "events with lower nonces are missing";
        Overdraft = 1203 "the free balance does not cover what is to be spent or held";
        BelowFloor = 1204 "the signer's free balance would fall below the floor";
        TooLittleForNewAccount = 1205 "a transfer that creates an account carries less than the floor";
        NothingToMove = 1206 "a transfer of nothing";
        TooLarge = 1207 "a sum that no balance can reach";
    }
}

refusals! {
    /// 1300 to 1399: bindings.
    mod binding for pallet_binding::Error {
        NoAddress = 1300 "a binding without an address";
        AddressesTooLong = 1301 "the addresses are too long together";
        NotAMultiaddr = 1302 "an address is not in the form of a multiaddr";
        EndsInThePast = 1303 "the binding would have ended already";
        EndsTooLate = 1304 "the binding reaches too far into the future";
        NotBound = 1305 "there is no binding to end";
    }
    within { Coin => super::coin::rule; }
}

refusals! {
    /// 1400 to 1499: storage.
    mod storage for pallet_storage::Error {
        TooLarge = 1400 "a sum that no balance can reach";
        PotLowered = 1401 "an announcement that lowers the pot";
        NotAnnounced = 1402 "there are no standing terms to withdraw or to place by";
        NotMature = 1403 "the pot can't be withdrawn yet";
        NotRoot = 1404 "the signer is not the path's root principal";
        BadCode = 1405 "not 1 ≤ k ≤ n ≤ 256";
        BadFragmentSize = 1406 "a fragment of no bytes, or of more than 2^40";
        NoPayment = 1407 "a payment of nothing";
        NoPayments = 1408 "an offer without payments";
        NoCollateral = 1409 "an offer without collateral";
        PeriodTooShort = 1410 "the period is below the target interval of challenges";
        LastsTooLong = 1411 "more blocks than a placement may last";
        PaymentAboveCap = 1412 "the payment is above the chain's cap";
        CollateralAboveCap = 1413 "the collateral is above the chain's cap";
        ExpiresInThePast = 1414 "the offer expires before it is made";
        VersionNotNew = 1415 "the version does not exceed those of the path's live offers";
        TooManyOffers = 1416 "the path has as many live offers as it can have";
        NoSuchOffer = 1417 "no live offer has this id";
        NotOwner = 1418 "the signer is not the owner of the offer or placement";
        NoAcceptance = 1419 "nothing to place";
        OfferCancelled = 1420 "the offer takes no more placements";
        OfferExpired = 1421 "the offer's last block for placing has passed";
        WrongSize = 1422 "the accepted size is not the offer's";
        AcceptanceStale = 1423 "the acceptance's last block has passed";
        AcceptanceTooLong = 1424 "the acceptance is valid for too long";
        AcceptanceBeyondPot = 1425 "the acceptance outlives its provider's pot";
        BelowMinPayment = 1426 "the offer pays less than the provider's standing terms";
        PotTooSmall = 1427 "the pot does not cover the collateral";
        FragmentIdUsed = 1428 "the fragment id does not exceed every id placed before";
        FullyPlaced = 1429 "as many fragments are live as the code has";
        NotExpired = 1430 "a stranger cancels an offer that has not expired";
        NoSuchPlacement = 1431 "no live placement has this id";
        NotParty = 1432 "the signer is neither owner nor provider";
        Pending = 1433 "a challenge is pending or demanded already";
        TooManyDemands = 1434 "the block has as many demands as it can have";
        DemandedRecently = 1435 "the party's demand before is less than a period ago";
        DemandTooLate = 1436 "the time for this party's demands is over";
        LastDemandUsed = 1437 "the provider's one demand after the end is used";
        NoClaim = 1438 "nothing to pay";
        ClaimedTwice = 1439 "two claims for one placement";
        NoChallenge = 1440 "a proof without a challenge";
        BadProof = 1441 "the proof is not of the challenged leaf";
        ReceiptWhilePending = 1442 "a receipt while a challenge waits for its proof";
        ReceiptNotOwners = 1443 "the receipt is signed by somebody else";
        ReceiptAhead = 1444 "the receipt goes beyond the parent block";
        NothingToPay = 1445 "the receipt pays no whole period";
        NotProvider = 1446 "the signer or the signature is not the provider's";
        WrongEnd = 1447 "the placement ends at another height";
        NotWholePeriods = 1448 "the new end is not a positive number of periods after the old";
        Matured = 1449 "the placement has matured";
        CloseTooEarly = 1450 "the signer can close the placement only later";
    }
    within { Coin => super::coin::rule; }
}

refusals! {
    /// 1500 to 1549: templates.
    mod mining for blocktree_service::TemplateError {
        TipMoves = 1500 "the tip moves too fast for a template";
        Unknown = 1501 "no template of this number, or it was forgotten";
        NotTheTemplate = 1502 "the solution changes what the template fixes";
        Fault = 1503 "the disk failed";
    }
}

refusals! {
    /// 1550 to 1559: blocks that can't be judged yet.
    mod not_yet for blocktree_consensus::NotYet {
        Orphan = 1550 "the block before is not known";
        Future = 1551 "the block's time is too far ahead of the node's clock";
    }
}

refusals! {
    /// 1600 to 1699: blocks that break a rule (docs/protocol.md §3.7).
    mod block for blocktree_consensus::Violation {
        Malformed = 1600 "the bytes are no block";
        BadTarget = 1601 "the header's bits are no target";
        TargetAboveLimit = 1602 "the target is easier than the chain allows";
        InsufficientWork = 1603 "the hash does not meet the target";
        WrongBits = 1604 "the bits are not those that the blocks before require";
        TimeNotAfterMedian = 1605 "the time is not above the median of the blocks before";
        WrongCommitment = 1606 "the commitment does not hash to the header's field";
        WrongHeight = 1607 "the height is not one more than the parent's";
        WrongHistoryRoot = 1608 "the history is not that of the block's ancestors";
        WrongEventRoot = 1609 "the events are not those that the block commits to";
        TooHeavy = 1610 "the events together weigh too much";
        NormalTooHeavy = 1611 "the events that answer no challenge weigh too much together";
        EventMalformed = 1612 "an event breaks a rule that needs no state";
        EventSignature = 1613 "an event is not signed by its signer";
        CallSignature = 1614 "a signature within an event's call fails";
        EventRefused = 1615 "an event can't be applied to the state that the block finds";
        WrongStateRoot = 1616 "the state after the block is not the one that it commits to";
    }
}

/// All tables of this module, in the order of their codes.
#[must_use]
pub(crate) fn all_rules() -> Vec<&'static Rule> {
    let tables = [
        pool::ALL,
        dropped::ALL,
        coin::ALL,
        binding::ALL,
        storage::ALL,
        mining::ALL,
        not_yet::ALL,
        block::ALL,
    ];
    tables.concat()
}

/// The rule by which the ledger refuses an event.
#[must_use]
pub fn rule_of(refusal: &Refusal) -> &'static Rule {
    match refusal {
        Refusal::Coin(error) => coin::rule(error),
        Refusal::Binding(error) => binding::rule(error),
        Refusal::Storage(error) => storage::rule(error),
    }
}

impl From<Refusal> for RpcError {
    fn from(refusal: Refusal) -> Self {
        Self::refused(rule_of(&refusal), refusal.to_string())
    }
}

/// Our own fault: told in general here, in full in the log.
impl From<Fault> for RpcError {
    fn from(fault: Fault) -> Self {
        tracing::error!(%fault, "a request could not be answered");
        Self::internal("the node could not read what was asked; its log says why")
    }
}

impl From<Stopped> for RpcError {
    fn from(stopped: Stopped) -> Self {
        Self::refused(&interface::STOPPING, stopped.to_string())
    }
}

impl From<DecodeError> for RpcError {
    fn from(error: DecodeError) -> Self {
        Self::refused(&interface::NOT_AN_EVENT, format!("not an event: {error}"))
    }
}

impl From<EventError<Refusal>> for RpcError {
    fn from(error: EventError<Refusal>) -> Self {
        match error {
            EventError::Malformed(refusal) => refusal.into(),
            EventError::Signature(SignatureError::BadSignature) => {
                // Which of the two can't be told: the chain is part of what is signed.
                let why = "the signature does not verify (or was made for another chain)";
                Self::refused(&interface::BAD_SIGNATURE, why)
            }
            EventError::Signature(why) => Self::refused(&interface::BAD_SIGNATURE, why.to_string()),
            EventError::CallSignature { .. } => {
                Self::refused(&interface::BAD_CALL_SIGNATURE, error.to_string())
            }
        }
    }
}

impl From<PoolRefusal> for RpcError {
    fn from(refusal: PoolRefusal) -> Self {
        Self::refused(pool::rule(&refusal), refusal.to_string())
    }
}

impl From<SubmitError> for RpcError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Malformed(error) => error.into(),
            SubmitError::Pool(refusal) => refusal.into(),
            SubmitError::Stopped(stopped) => stopped.into(),
            // Events are checked before they are handed in, so neither comes.
            SubmitError::Invalid(why) | SubmitError::BadSignature(why) => {
                Self::refused(&interface::BAD_SIGNATURE, why)
            }
        }
    }
}

impl From<TemplateError> for RpcError {
    fn from(error: TemplateError) -> Self {
        let rule = mining::rule(&error);
        match error {
            TemplateError::Fault(fault) => Self::refused(rule, Self::from(fault).message()),
            other => Self::refused(rule, other.to_string()),
        }
    }
}

impl From<GenerateError> for RpcError {
    fn from(error: GenerateError) -> Self {
        match error {
            GenerateError::NotADevelopmentChain => {
                Self::refused(&interface::NOT_A_DEVELOPMENT_CHAIN, error.to_string())
            }
            GenerateError::TooMany(_) => Self::invalid_params(error.to_string()),
            GenerateError::Template(error) => error.into(),
            GenerateError::NotAccepted(why) => Self::refused(&interface::NOT_ACCEPTED, why),
            GenerateError::Stopped(stopped) => stopped.into(),
        }
    }
}

impl From<Violation> for RpcError {
    fn from(violation: Violation) -> Self {
        Self::refused(block::rule(&violation), violation.to_string())
    }
}

impl From<NotYet> for RpcError {
    fn from(reason: NotYet) -> Self {
        Self::refused(not_yet::rule(&reason), reason.to_string())
    }
}

/// The name of the reason for which an event left the pool.
#[must_use]
pub(crate) fn name_of_drop(dropped: &Dropped) -> &'static str {
    self::dropped::rule(dropped).name
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_primitives::Amount;

    #[test]
    fn a_refusal_within_a_pallet_keeps_its_own_name() {
        let overdraft = pallet_coin::Error::Overdraft {
            free: Amount::from_units(1),
            needed: Amount::from_units(2),
        };
        for refusal in [
            Refusal::Coin(overdraft.clone()),
            Refusal::Binding(pallet_binding::Error::Coin(overdraft.clone())),
            Refusal::Storage(pallet_storage::Error::Coin(overdraft)),
        ] {
            let error = RpcError::from(refusal);
            assert_eq!(error.code(), 1203);
            assert_eq!(error.data().unwrap()["rule"], "coin.Overdraft");
            assert_eq!(error.message(), "the free balance is 1, 2 base units are needed");
        }
    }

    #[test]
    fn every_violation_has_its_code() {
        let names: Vec<String> =
            block::ALL.iter().map(|rule| rule.name.replacen("block.", "", 1)).collect();
        assert_eq!(names, Violation::NAMES);
    }
}
