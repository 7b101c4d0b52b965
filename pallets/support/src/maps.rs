//! The index of every map of the global state: append-only, never reused (docs/protocol.md §5).

/// coin: principal → account. `/global/principals` (B52, B53, B56).
pub const PRINCIPALS: u8 = 0;
/// coin: the supply counters and the mint pool.
pub const SUPPLY: u8 = 1;
/// storage: principal → provider's standing terms, pot and record.
pub const PROVIDERS: u8 = 2;
/// storage: path → live offers, newest first. `/global/fragments` (B51, B55).
pub const PATHS: u8 = 3;
/// storage: offer id → offer.
pub const OFFERS: u8 = 4;
/// storage: offer id → ids of its live placements.
pub const OFFER_PLACEMENTS: u8 = 5;
/// storage: placement id → placement.
pub const PLACEMENTS: u8 = 6;
/// storage: slot number (big-endian) → placement id, dense.
pub const SLOTS: u8 = 7;
/// storage: how many placements there are, and how many bytes.
pub const STORED: u8 = 8;
/// storage: position in the challenge queue (big-endian) → pending challenge.
pub const CHALLENGES: u8 = 9;
/// storage: first and next position of the challenge queue.
pub const CHALLENGE_ENDS: u8 = 10;
/// storage: the demands of the present block, drawn at the start of the next.
pub const DEMANDS: u8 = 11;
/// storage: provider || placement id → a mark; lists what a provider keeps.
pub const PROVIDER_PLACEMENTS: u8 = 12;
