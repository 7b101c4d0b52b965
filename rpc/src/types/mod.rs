//! What the methods take and give: the JSON shapes (docs/rpc.md). They carry text where the text
//! depends on the network, and convert from the ledger's types and back.

mod account;
mod answer;
mod call;
mod chain;
mod effect;
mod event;
mod header;
mod proof;
mod scalar;
pub mod storage;
pub mod system;

pub use account::{
    AccountJson, AddressInfo, BindingJson, FragmentInfo, LiveOfferJson, OfferWithPlacements,
    PathEntry, PrincipalInfo, ProofInfo, PublicKeyInfo,
};
pub use answer::{AtTip, Page};
pub use call::{AcceptanceJson, CallJson, ClaimJson, EvidenceJson};
pub use chain::{BlockJson, HistoryNode, HistoryProofJson, UpdateJson, UpdateKind};
pub use effect::{EffectJson, RemovalJson};
pub use event::{EventInfo, EventJson, EventProof, EventStatusJson, FeeEstimate};
pub use header::HeaderJson;
pub use proof::{OtherLeaf, StateProof};
pub use scalar::{BadText, Binary, HashHex, PathText, PrincipalText, Units};
pub use storage::{
    AuditJson, ChallengeJson, CodeJson, OfferJson, PlacementJson, ProviderJson, TermsJson,
};
