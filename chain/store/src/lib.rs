//! The data folder: the only crate that names RocksDB.
