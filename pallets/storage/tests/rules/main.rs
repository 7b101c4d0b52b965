//! Every rule and boundary of docs/protocol.md §8, with balances followed by hand.
//!
//! The world of these tests: K 4, D 2, T 10, W 5, STRIKE_GAP 8, GRACE 12, β 3 %; everybody begins
//! with 1,000,000. The provider's pot is 50,000; the offer is of 3 fragments, 6 payments of 100
//! every 10 blocks each, collateral 999. `end` audits every block.

#![allow(clippy::unwrap_used, clippy::panic)] // Helpers are tests too, clippy knows only #[test].

mod announce;
mod audit;
mod check;
mod demand;
mod draw;
mod expire;
mod lifecycle;
mod naive;
mod offer;
mod params;
mod payout;
mod place;
mod read;
mod settle;
mod world;
