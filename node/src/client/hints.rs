//! What to do about a refusal: one line below the node's own words, by the name of the rule.

use anyhow::Error;
use blocktree_rpc::ClientError;

/// What to do, by the names of rules. Rules whose text says it all are not here.
const HINTS: [(&[&str], &str); 35] = [
    (&["rpc.RateLimited", "rpc.Busy", "rpc.TooSlow", "pool.TipMoved"], "try again in a moment"),
    (
        &["event.BadCallSignature"],
        "what was signed was changed, or signed for another chain or offer: have it signed again",
    ),
    (&["pool.AlreadyKnown"], "it is in: `blocktree event ID` says how it stands"),
    (
        &["pool.FeeTooLow", "pool.ReplacementFeeTooLow"],
        "give that much by --fee, in blockcoin of 10^8 base units; without --fee the node estimates it",
    ),
    (&["pool.Expired", "pool.ExpiresTooSoon", "coin.Expired"], "give a later --valid-until"),
    (
        &["pool.NonceUsed", "pool.NonceTooFar", "coin.NonceUsed", "coin.NonceAhead"],
        "leave --nonce out to take the next one",
    ),
    (&["pool.TooManyFromSigner"], "wait until some of them are in a block"),
    (&["pool.PoolFull"], "give more by --fee, or wait"),
    (
        &["pool.Overdraft", "coin.Overdraft", "coin.BelowFloor"],
        "spend or lock less, or get more first; `blocktree balance` shows what is there",
    ),
    (&["coin.TooLittleForNewAccount"], "the receiver has no account yet: send at least that much"),
    (&["binding.EndsTooLate"], "give fewer --blocks"),
    (&["storage.PotLowered"], "give at least that --pot; `withdraw` takes out the pot as a whole"),
    (&["storage.NotAnnounced"], "the provider announces first: `blocktree storage announce`"),
    (
        &["storage.NotRoot"],
        "a path belongs to the principal that it begins with: sign with that one's key",
    ),
    (&["storage.BadCode"], "--k is at least 1, --n at least --k and at most 256"),
    (&["storage.PeriodTooShort"], "give that --period"),
    (&["storage.PaymentAboveCap"], "give that --payment at most"),
    (&["storage.CollateralAboveCap"], "give that --collateral at most"),
    (&["storage.ExpiresInThePast", "storage.OfferExpired"], "offer with a longer --expires-in"),
    (&["storage.VersionNotNew"], "leave --tree-version out to take the next one"),
    (&["storage.TooManyOffers"], "cancel one of them first: `blocktree storage offers PATH`"),
    (&["storage.NoSuchOffer"], "`blocktree storage offers PATH` lists those that live"),
    (&["storage.NotOwner", "storage.ReceiptNotOwners"], "sign with the owner's key: --key NAME"),
    (&["storage.NotProvider"], "sign with the provider's key: --key NAME"),
    (&["storage.NotParty"], "sign with the owner's or the provider's key: --key NAME"),
    (
        &[
            "storage.WrongSize",
            "storage.AcceptanceStale",
            "storage.AcceptanceTooLong",
            "storage.AcceptanceBeyondPot",
            "storage.FragmentIdUsed",
        ],
        "the provider accepts anew: `blocktree storage accept`, see --valid-for and --fragment-id",
    ),
    (
        &["storage.BelowMinPayment"],
        "offer a higher --payment, or choose another provider: `blocktree storage providers`",
    ),
    (&["storage.PotTooSmall"], "the provider raises it first: `blocktree storage announce --pot`"),
    (&["storage.NoSuchPlacement"], "`blocktree storage placements OFFER` lists those that live"),
    (
        &["storage.NoChallenge"],
        "`blocktree storage demand` has one asked in the block after the demand's",
    ),
    (
        &["storage.Pending", "storage.ReceiptWhilePending"],
        "the provider answers first: `blocktree storage prove`",
    ),
    (&["storage.BadProof"], "the fragment is not the one that was placed, or was changed since"),
    (&["storage.ReceiptAhead"], "sign a receipt --through a height that is mined"),
    (&["storage.NothingToPay"], "wait until a whole period has passed"),
    (&["storage.WrongEnd"], "the provider signs anew: `blocktree storage sign-extension`"),
];

/// Adds what to do, where the refusal's name tells it.
pub(crate) fn explained(error: Error) -> Error {
    let rule = match error.downcast_ref::<ClientError>() {
        Some(ClientError::Refused(refused)) => refused.rule.clone(),
        _ => None,
    };
    let hint = HINTS.iter().find(|(names, _)| rule.as_deref().is_some_and(|r| names.contains(&r)));
    match hint {
        Some((_, hint)) => Error::msg(format!("{error:#}\n{hint}")),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_rpc::client::Refused;
    use blocktree_rpc::error::all_rules;

    #[test]
    fn hints_are_for_rules_that_exist() {
        let rules = all_rules();
        for name in HINTS.iter().flat_map(|(names, _)| *names) {
            assert!(rules.iter().any(|rule| rule.name == *name), "{name}");
        }
    }

    #[test]
    fn a_refusal_says_its_rule_and_what_to_do() {
        let refused = |rule: Option<&str>| {
            let refused = Refused {
                code: 1203,
                message: "the free balance is 1".into(),
                rule: rule.map(str::to_owned),
                data: None,
            };
            explained(ClientError::Refused(refused).into()).to_string()
        };
        assert_eq!(
            refused(Some("coin.Overdraft")),
            "refused: the free balance is 1 (coin.Overdraft, code 1203)\n\
             spend or lock less, or get more first; `blocktree balance` shows what is there"
        );
        let unheard = "refused: the free balance is 1 (coin.Unheard, code 1203)";
        assert_eq!(refused(Some("coin.Unheard")), unheard);
        assert!(!refused(None).contains('\n'));
        assert_eq!(explained(Error::msg("else")).to_string(), "else");
    }
}
