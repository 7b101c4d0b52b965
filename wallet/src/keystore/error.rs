//! What can go wrong with a keystore; every message says what to do.

use super::name::KeyName;
use super::seal::KdfCost;
use super::{MAX_ENTRIES, VERSION};
use crate::derive::DeriveError;
use crate::dev::DevKeyRefused;
use crate::entropy::EntropyError;
use blocktree_primitives::Network;
use std::io;
use std::path::PathBuf;

/// Why the keystore did not do what was asked. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// Keys are never overwritten.
    #[error(
        "there is a key named {name} already ({path}), and keys are never overwritten: choose another name"
    )]
    NameTaken {
        /// The name.
        name: KeyName,
        /// Its file.
        path: PathBuf,
    },
    /// No file for this name.
    #[error("there is no key named {name} in {folder}: {}", say_existing(existing))]
    NoSuchKey {
        /// What was asked for.
        name: KeyName,
        /// Where.
        folder: PathBuf,
        /// The names that exist, in order.
        existing: Vec<KeyName>,
    },
    /// The file is whole, but the password does not open it. A file that was changed on purpose, with
    /// its checksum made right again, can't be told from this.
    #[error("wrong password for key {name}: try again (or the file was tampered with)")]
    WrongPassword {
        /// The key.
        name: KeyName,
    },
    /// The file is not as it was written.
    #[error(
        "the key file {path} is damaged: {damage}; put back a copy of it, or import the key's words under another name"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// Written by a later version of this software.
    #[error(
        "the key file {path} has format version {found} and this program knows versions up to {VERSION}: use a newer program"
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: u32,
    },
    /// Made for another network.
    #[error(
        "key {name} is for the {} network and this is the {} network: choose a key of this network, or import the words here under another name",
        super::header::network_name(*found),
        super::header::network_name(*expected)
    )]
    OtherNetwork {
        /// The key.
        name: KeyName,
        /// The network of the key.
        found: Network,
        /// The network of this keystore.
        expected: Network,
    },
    /// The memory that makes guessing passwords expensive could not be had.
    #[error("can't get {memory_kib} KiB of memory to check the password: free some and try again")]
    OutOfMemory {
        /// How much was needed.
        memory_kib: u32,
    },
    /// Other users may write where the keys are, so a public key read from there could be theirs.
    #[error(
        "other users can write to {path} (mode {mode:o}): run chmod go-w on it, after a look at who did what there"
    )]
    Exposed {
        /// A folder or file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The folder can't be a keystore.
    #[error(
        "{folder} has more than {MAX_ENTRIES} files: it is hardly a keystore; name the right folder"
    )]
    TooManyFiles {
        /// The folder.
        folder: PathBuf,
    },
    /// A development key where it must not be.
    #[error(transparent)]
    DevKey(#[from] DevKeyRefused),
    /// The words have no such key.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The file system refused.
    #[error("can't {doing} {path}: {error}")]
    Io {
        /// What was tried, such as `read`.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// How a key file differs from one that was written here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Larger than any key file.
    #[error("it is larger than the {0} bytes that a key file has at most")]
    TooLarge(usize),
    /// A folder, pipe or device.
    #[error("it is not a file")]
    NotAFile,
    /// Not a key file at all.
    #[error("it is not a key file of this program")]
    Foreign,
    /// A key file, but not laid out as this program writes it. Lines and columns count from 1.
    #[error("it is not laid out as a key file is, at line {line}, column {column}")]
    Layout {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// The checksum over header and sealed part is another.
    #[error("its checksum is wrong")]
    Checksum,
    /// Renamed or copied.
    #[error("it is the file of the key {0}, so it must have that name")]
    Misnamed(KeyName),
    /// Principal and public key don't belong together.
    #[error("its principal is not that of its public key")]
    Principal,
    /// Opening would cost more than this program ever asks for.
    #[error("checking its password would take {} KiB of memory and {} passes, more than is allowed", .0.memory_kib(), .0.passes())]
    TooCostly(KdfCost),
    /// What was sealed is no key, though the password opened it.
    #[error("what it holds is not a key")]
    Contents,
    /// What was sealed is another key than the header says.
    #[error("the key in it is not the one that its public key is of")]
    OtherKey,
}

fn say_existing(existing: &[KeyName]) -> String {
    if existing.is_empty() {
        return "there are no keys yet; make or import one".into();
    }
    let names: Vec<&str> = existing.iter().map(KeyName::as_str).collect();
    format!("there are {}", names.join(", "))
}
