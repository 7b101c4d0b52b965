//! What the methods take and give: the JSON shapes (docs/rpc.md). They carry text where the text
//! depends on the network, and convert to and from the ledger's types elsewhere.

mod header;
mod proof;
mod scalar;

pub use header::HeaderJson;
pub use proof::{InclusionProof, OtherLeaf, StateProof};
pub use scalar::{BadText, Binary, HashHex, PathText, PrincipalText, Units};
