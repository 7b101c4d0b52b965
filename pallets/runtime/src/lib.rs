//! The calls of the ledger in one enum, and the order in which pallets run.
