//! Which folder is ours: the marker that says so in clear text, and the lock against a second node.
//!
//! ```text
//! blocktree.json   the marker: format, chain and genesis; written before anything else
//! blocktree.lock   locked while a node runs; holds its process number
//! db/              RocksDB; appears by rename when it is whole
//! db.new/          a creation that was interrupted; removed and begun anew
//! ```

use crate::OpenError;
use blocktree_primitives::BlockHash;
use blocktree_state::Fault;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const MARKER: &str = "blocktree.json";
const MARKER_PART: &str = "blocktree.json.part";
const LOCK: &str = "blocktree.lock";
const DATABASE: &str = "db";
const UNFINISHED: &str = "db.new";

/// More than any marker needs; a larger file is not one of ours.
const MARKER_BYTES: u64 = 4096;

/// The chain whose data a folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Hash of the genesis block: this decides.
    pub genesis: BlockHash,
    /// The chain's name, for people.
    pub chain_name: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (genesis {})", self.chain_name, self.genesis)
    }
}

/// The content of `blocktree.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// The format of the folder, or the one that it is being upgraded to.
    pub(crate) format: u32,
    /// The format that an unfinished upgrade began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upgrading_from: Option<u32>,
    pub(crate) chain: String,
    pub(crate) genesis: String,
}

/// All that a marker of any version has.
#[derive(Deserialize)]
struct AnyMarker {
    format: u32,
}

impl Marker {
    fn new(format: u32, identity: &Identity) -> Self {
        Self {
            format,
            upgrading_from: None,
            chain: identity.chain_name.clone(),
            genesis: identity.genesis.to_string(),
        }
    }

    fn parse(bytes: &[u8], supported: u32) -> Result<Self, OpenError> {
        let damaged = |error: &dyn fmt::Display| OpenError::Damaged(format!("{MARKER}: {error}"));
        // The format first: a newer one may have anything else.
        let AnyMarker { format } = serde_json::from_slice(bytes).map_err(|e| damaged(&e))?;
        if format > supported {
            return Err(OpenError::NewerFormat { found: format, supported });
        }
        serde_json::from_slice(bytes).map_err(|e| damaged(&e))
    }

    fn check(&self, expected: &Identity) -> Result<(), OpenError> {
        let genesis = self
            .genesis
            .parse()
            .map_err(|e| OpenError::Damaged(format!("{MARKER}: the genesis is {e}")))?;
        if genesis == expected.genesis {
            return Ok(());
        }
        let found = Identity { genesis, chain_name: self.chain.clone() };
        Err(OpenError::ForeignChain { found, expected: expected.clone() })
    }
}

/// A folder that is ours, locked until this is dropped.
pub(crate) struct Folder {
    root: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes an existing data folder of this chain, or makes one of an empty or absent folder.
    pub(crate) fn claim(
        root: &Path,
        chain: &Identity,
        format: u32,
    ) -> Result<(Self, Marker), OpenError> {
        // Once before the lock, so that a folder which is not ours stays as it is.
        inspect(root, chain, format)?;
        create_folder(root)?;
        let folder = Self { root: root.to_owned(), _lock: lock(&root.join(LOCK))? };
        let marker = match inspect(root, chain, format)? {
            Some(marker) => marker,
            None => folder.mark(Marker::new(format, chain))?,
        };
        Ok((folder, marker))
    }

    /// Writes the marker; after a crash it is the old one or this one.
    pub(crate) fn mark(&self, marker: Marker) -> Result<Marker, OpenError> {
        let (part, path) = (self.root.join(MARKER_PART), self.root.join(MARKER));
        let text = serde_json::to_string_pretty(&marker)
            .map_err(|e| OpenError::io("write", &path, &e.into()))?;
        File::create(&part)
            .and_then(|mut file| writeln!(file, "{text}").and_then(|()| file.sync_all()))
            .map_err(|e| OpenError::io("write", &part, &e))?;
        fs::rename(&part, &path).map_err(|e| OpenError::io("write", &path, &e))?;
        sync_folder(&self.root)?;
        Ok(marker)
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> PathBuf {
        self.root.join(DATABASE)
    }

    /// Makes the database with `create`, in a folder that gets its name when all is done: what has
    /// the name is whole, so whatever it lacks later was lost.
    pub(crate) fn create_database(
        &self,
        create: impl FnOnce(&Path) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        let (unfinished, database) = (self.root.join(UNFINISHED), self.database());
        match fs::remove_dir_all(&unfinished) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(OpenError::io("remove", &unfinished, &e));
            }
            _ => {}
        }
        create(&unfinished)?;
        fs::rename(&unfinished, &database).map_err(|e| OpenError::io("create", &database, &e))?;
        sync_folder(&self.root)
    }

    /// Bytes of all files of the database.
    pub(crate) fn database_bytes(&self) -> Result<u64, Fault> {
        let path = self.database();
        let failed = |e: io::Error| Fault::Disk(format!("can't read {}: {e}", path.display()));
        let mut bytes = 0u64;
        for entry in fs::read_dir(&path).map_err(failed)? {
            match entry.map_err(failed)?.metadata() {
                Ok(metadata) => bytes = bytes.saturating_add(metadata.len()),
                // RocksDB removes files at any time.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(failed(e)),
            }
        }
        Ok(bytes)
    }
}

/// The marker of a folder of ours, `None` for one that may become ours. Changes nothing.
fn inspect(root: &Path, chain: &Identity, format: u32) -> Result<Option<Marker>, OpenError> {
    if let Some(bytes) = read_start(&root.join(MARKER))? {
        let marker = Marker::parse(&bytes, format)?;
        marker.check(chain)?;
        return Ok(Some(marker));
    }
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
            return Err(OpenError::NotADataFolder);
        }
        Err(e) => return Err(OpenError::io("read", root, &e)),
    };
    for entry in entries {
        let name = entry.map_err(|e| OpenError::io("read", root, &e))?.file_name();
        // A first start that was interrupted left these.
        if name != LOCK && name != MARKER_PART {
            return Err(OpenError::NotADataFolder);
        }
    }
    Ok(None)
}

/// The first bytes of a file, `None` if there is none.
fn read_start(path: &Path) -> Result<Option<Vec<u8>>, OpenError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MARKER_BYTES).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => Err(OpenError::NotADataFolder),
        Err(e) => Err(OpenError::io("read", path, &e)),
    }
}

/// Locks the file and writes our process number into it. The lock goes with the process, however it
/// ends; the file stays.
fn lock(path: &Path) -> Result<File, OpenError> {
    let failed = |e: io::Error| OpenError::io("lock", path, &e);
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let text = read_start(path)?.unwrap_or_default();
            let pid = str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
            return Err(OpenError::Locked { pid });
        }
        Err(TryLockError::Error(e)) => return Err(failed(e)),
    }
    file.set_len(0).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// Creates a folder and those above it, so that they survive a power cut.
fn create_folder(path: &Path) -> Result<(), OpenError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => {
            create_folder(parent)?;
            parent
        }
        _ => Path::new("."),
    };
    match fs::create_dir(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            Err(OpenError::io("create", path, &e))
        }
        _ => sync_folder(parent),
    }
}

/// Makes creations and renames in a folder survive a power cut.
fn sync_folder(path: &Path) -> Result<(), OpenError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| OpenError::io("sync", path, &e))
}
