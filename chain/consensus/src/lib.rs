//! The rules that make a block valid, and the seam to the ledger's own rules.
