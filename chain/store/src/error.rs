//! What can go wrong with a data folder, named: while it is opened ([`OpenError`]) and after
//! ([`Fault`]).

use crate::Identity;
use blocktree_state::Fault;
use std::io;
use std::path::Path;

/// Why a data folder was not opened. A folder that is not ours (another chain's, another format's,
/// another program's) is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A later version of this program wrote the folder, or began to upgrade it.
    #[error(
        "the data folder has format {found}, this version of the program knows formats up to \
         {supported}: use the newer version, or another folder"
    )]
    NewerFormat {
        /// The folder's format.
        found: u32,
        /// The greatest format of this program.
        supported: u32,
    },
    /// An earlier version of this program wrote the folder, and no upgrade leads from there.
    #[error(
        "the data folder has format {found}, which can't be upgraded to format {supported}: \
         use the version that wrote it, or another folder"
    )]
    OlderFormat {
        /// The folder's format.
        found: u32,
        /// The format of this program.
        supported: u32,
    },
    /// The folder belongs to another chain: its genesis is another.
    #[error("the data folder belongs to the chain {found}, not to {expected}: use another folder")]
    ForeignChain {
        /// Whose folder it is.
        found: Identity,
        /// Whose folder it should be.
        expected: Identity,
    },
    /// The folder has files in it, and they are not ours; or it is no folder at all.
    #[error(
        "this is not a data folder: there are other things in it and no blocktree.json, or it is a \
         file; nothing was touched, use an empty or a new folder"
    )]
    NotADataFolder,
    /// Another process works on the folder.
    #[error("another node{} works on this data folder: stop it, or use another folder", process(.pid))]
    Locked {
        /// Its process number, when it could be read.
        pid: Option<u32>,
    },
    /// The disk is full.
    #[error("the disk of the data folder is full: {0}")]
    DiskFull(String),
    /// Files of ours are missing or are not what this program writes.
    #[error("the data folder is damaged: {0}")]
    Damaged(String),
    /// Anything else: no permission, a failing disk.
    #[error("the data folder can't be opened: {0}")]
    Failed(Fault),
}

fn process(pid: &Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl OpenError {
    /// A failed call of the operating system; `doing` is what was tried: "write", "create".
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        let text = format!("can't {doing} {}: {error}", path.display());
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(text),
            _ => Self::Failed(Fault::Disk(text)),
        }
    }

    /// A database that exists and did not open.
    pub(crate) fn opening(error: &rocksdb::Error) -> Self {
        let text = error.as_ref();
        // RocksDB's own lock, below ours: taken only by a program that does not know ours.
        if text.contains("While lock file") || text.contains("lock hold by current process") {
            return Self::Locked { pid: None };
        }
        // The database is known to be there and whole, so a missing file was lost, and settings
        // that do not fit its content say that the content is not ours.
        let lost = text.contains("No such file or directory");
        match error.kind() {
            rocksdb::ErrorKind::InvalidArgument | rocksdb::ErrorKind::NotSupported => {
                Self::Damaged(error.to_string())
            }
            rocksdb::ErrorKind::IOError if lost => Self::Damaged(error.to_string()),
            _ => fault(error).into(),
        }
    }
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::DiskFull(text) => Self::DiskFull(text),
            Fault::Corrupt(text) => Self::Damaged(text),
            Fault::Disk(_) | Fault::Bug(_) => Self::Failed(fault),
        }
    }
}

/// What RocksDB reports, in the words of the seam. Its bindings give the message alone, so the text of
/// the operating system's error decides what is a full disk.
pub(crate) fn fault(error: &rocksdb::Error) -> Fault {
    let text = error.to_string();
    if text.contains("No space left on device") || text.contains("Disk quota exceeded") {
        return Fault::DiskFull(text);
    }
    match error.kind() {
        rocksdb::ErrorKind::Corruption => Fault::Corrupt(text),
        _ => Fault::Disk(text),
    }
}
