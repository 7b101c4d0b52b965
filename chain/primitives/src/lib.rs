//! The ledger's plain types: amounts, heights, hashes, principals, paths, events and blocks.
