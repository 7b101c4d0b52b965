//! Accounts, transfers, supply and the block reward.
