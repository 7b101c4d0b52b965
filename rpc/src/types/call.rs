//! Calls in JSON: what an event asks for, whole and readable.

use super::storage::{CodeJson, TermsJson};
use super::{Binary, HashHex, PathText, PrincipalText, Units};
use blocktree_primitives::{
    ContentHash, FragmentRoot, Network, OfferId, PlacementId, Principal, PublicKey,
};
use blocktree_runtime::Call;
use pallet_storage::{Claim, Evidence, SignedAcceptance};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[schemars(rename = "Call")]
pub enum CallJson {
    /// Moves blockcoin.
    #[serde(rename = "coin.transfer")]
    Transfer {
        /// Who gets it.
        to: PrincipalText,
        /// How much.
        amount: Units,
    },
    /// Binds the signer's principal to addresses.
    #[serde(rename = "binding.bind")]
    Bind {
        /// Multiaddrs, most preferred first.
        addresses: Vec<String>,
        /// The last height at which this counts.
        valid_until: u64,
    },
    /// Ends the signer's binding.
    #[serde(rename = "binding.unbind")]
    Unbind {},
    /// A provider's standing terms and pot.
    #[serde(rename = "storage.announce")]
    Announce {
        /// Bytes of room, advisory.
        capacity: u64,
        /// The least payment per fragment and period.
        min_payment: Units,
        /// What the pot is to hold, unused.
        pot: Units,
    },
    /// A provider is about to leave, or takes its pot.
    #[serde(rename = "storage.withdraw")]
    Withdraw {},
    /// Asks for storage.
    #[serde(rename = "storage.offer")]
    Offer {
        /// By which right the signer disposes of the path: `root`.
        authority: String,
        /// Where the tree block is.
        path: PathText,
        /// Which version of it.
        version: u64,
        /// How it becomes fragments.
        code: CodeJson,
        /// Over its header and encrypted payload.
        content_hash: HashHex<ContentHash>,
        /// What each fragment's provider gets and stakes.
        terms: TermsJson,
        /// The last block in which fragments may be placed.
        expires_at: u64,
    },
    /// Puts accepted fragments on the ledger.
    #[serde(rename = "storage.place")]
    Place {
        /// The offer.
        offer: HashHex<OfferId>,
        /// The providers' words.
        acceptances: Vec<AcceptanceJson>,
    },
    /// Has the next block draw a placement.
    #[serde(rename = "storage.demand")]
    Demand {
        /// The placement.
        placement: HashHex<PlacementId>,
    },
    /// Answers challenges and collects payments.
    #[serde(rename = "storage.payout")]
    Payout {
        /// One for each placement.
        claims: Vec<ClaimJson>,
    },
    /// Moves a placement's end.
    #[serde(rename = "storage.extend")]
    Extend {
        /// The placement.
        placement: HashHex<PlacementId>,
        /// Its end so far.
        old_end: u64,
        /// Its new end.
        new_end: u64,
        /// The provider's key.
        provider_key: Binary,
        /// The provider's signature.
        signature: Binary,
    },
    /// Ends a placement before its end.
    #[serde(rename = "storage.exit")]
    Exit {
        /// The placement.
        placement: HashHex<PlacementId>,
    },
    /// Settles a matured placement.
    #[serde(rename = "storage.close")]
    Close {
        /// The placement.
        placement: HashHex<PlacementId>,
    },
    /// Takes back an offer's reserve.
    #[serde(rename = "storage.cancel")]
    Cancel {
        /// The offer.
        offer: HashHex<OfferId>,
    },
}

/// A provider's word to store a fragment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Acceptance")]
pub struct AcceptanceJson {
    /// The provider, whose key follows.
    pub provider: PrincipalText,
    /// The provider's key.
    pub provider_key: Binary,
    /// The fragment's number in the erasure code.
    pub fragment_id: u32,
    /// The fragment's Merkle root.
    pub root: HashHex<FragmentRoot>,
    /// Bytes of the fragment.
    pub size: u64,
    /// The last block in which it may be placed.
    pub valid_until: u64,
    /// The provider's signature.
    pub signature: Binary,
}

/// A claim to payment for one placement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Claim")]
pub struct ClaimJson {
    /// The placement.
    pub placement: HashHex<PlacementId>,
    /// Why it is to be paid.
    pub evidence: EvidenceJson,
}

/// Why a placement is to be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[schemars(rename = "Evidence")]
pub enum EvidenceJson {
    /// Answers the pending challenge with its leaf.
    Proof {
        /// The raw bytes of the leaf.
        leaf: Binary,
        /// The path from the leaf up to the placement's root.
        siblings: Vec<Binary>,
    },
    /// The owner is content.
    Receipt {
        /// The owner, whose key follows.
        owner: PrincipalText,
        /// The owner's key.
        owner_key: Binary,
        /// The height through which the owner is content.
        through: u64,
        /// The owner's signature.
        signature: Binary,
    },
}

fn principal_of(key: &PublicKey, network: Network) -> PrincipalText {
    PrincipalText::new(&Principal::of(key), network)
}

/// An address as text; what is no UTF-8 (which `bind` refuses) is replaced.
pub(crate) fn address(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl CallJson {
    /// A call; principals are shown for `network`.
    #[must_use]
    pub fn new(call: &Call, network: Network) -> Self {
        match call {
            Call::Coin(call) => coin(call, network),
            Call::Binding(call) => binding(call),
            Call::Storage(call) => storage(call, network),
        }
    }
}

fn coin(call: &pallet_coin::Call, network: Network) -> CallJson {
    match call {
        pallet_coin::Call::Transfer { to, amount } => {
            CallJson::Transfer { to: PrincipalText::new(to, network), amount: (*amount).into() }
        }
    }
}

fn binding(call: &pallet_binding::Call) -> CallJson {
    match call {
        pallet_binding::Call::Bind { addresses, valid_until } => CallJson::Bind {
            addresses: addresses.iter().map(|bytes| address(bytes)).collect(),
            valid_until: valid_until.0,
        },
        pallet_binding::Call::Unbind => CallJson::Unbind {},
    }
}

fn storage(call: &pallet_storage::Call, network: Network) -> CallJson {
    use pallet_storage::{Authority, Call};
    match call {
        Call::Announce { capacity, min_payment, pot } => CallJson::Announce {
            capacity: *capacity,
            min_payment: (*min_payment).into(),
            pot: (*pot).into(),
        },
        Call::Withdraw => CallJson::Withdraw {},
        Call::Offer(offer) => CallJson::Offer {
            authority: match offer.authority {
                Authority::Root => "root".to_owned(),
            },
            path: PathText::new(&offer.path, network),
            version: offer.version,
            code: (&offer.code).into(),
            content_hash: offer.content_hash.into(),
            terms: (&offer.terms).into(),
            expires_at: offer.expires_at.0,
        },
        Call::Place { offer, acceptances } => CallJson::Place {
            offer: (*offer).into(),
            acceptances: acceptances.iter().map(|a| acceptance(a, network)).collect(),
        },
        Call::Demand { placement } => CallJson::Demand { placement: (*placement).into() },
        Call::Payout { claims } => {
            CallJson::Payout { claims: claims.iter().map(|c| claim(c, network)).collect() }
        }
        Call::Extend(extension) => CallJson::Extend {
            placement: extension.placement.into(),
            old_end: extension.old_end.0,
            new_end: extension.new_end.0,
            provider_key: extension.provider_key.into(),
            signature: extension.signature.into(),
        },
        Call::Exit { placement } => CallJson::Exit { placement: (*placement).into() },
        Call::Close { placement } => CallJson::Close { placement: (*placement).into() },
        Call::Cancel { offer } => CallJson::Cancel { offer: (*offer).into() },
    }
}

fn acceptance(signed: &SignedAcceptance, network: Network) -> AcceptanceJson {
    AcceptanceJson {
        provider: principal_of(&signed.provider_key, network),
        provider_key: signed.provider_key.into(),
        fragment_id: signed.fragment_id,
        root: signed.root.into(),
        size: signed.size,
        valid_until: signed.valid_until.0,
        signature: signed.signature.into(),
    }
}

fn claim(claim: &Claim, network: Network) -> ClaimJson {
    let evidence = match &claim.evidence {
        Evidence::Proof { leaf, siblings } => EvidenceJson::Proof {
            leaf: Binary(leaf.to_vec()),
            siblings: siblings.iter().map(|sibling| Binary::from(*sibling)).collect(),
        },
        Evidence::Receipt { owner_key, through, signature } => EvidenceJson::Receipt {
            owner: principal_of(owner_key, network),
            owner_key: (*owner_key).into(),
            through: through.0,
            signature: (*signature).into(),
        },
    };
    ClaimJson { placement: claim.placement.into(), evidence }
}
