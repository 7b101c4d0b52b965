//! The file of peers that were good, and of those that are banned: `peers` in the data folder. Losing it
//! costs a search, so it is never a reason not to start.

use blocktree_network::KnownPeers;
use blocktree_network::peers::MAX_FILE_LEN;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

const NAME: &str = "peers";

/// What an earlier run knew; nothing if there was none.
pub(crate) fn read(data_dir: &Path) -> KnownPeers {
    let path = data_dir.join(NAME);
    let limit = u64::try_from(MAX_FILE_LEN).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    match File::open(&path).and_then(|file| file.take(limit).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return KnownPeers::default(),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "known peers can't be read");
            return KnownPeers::default();
        }
    }
    let (known, refused) = KnownPeers::decode(&bytes);
    if refused > 0 {
        tracing::warn!(path = %path.display(), refused, "lines of known peers make no sense");
    }
    known
}

/// Keeps it for the next run.
pub(crate) fn write(data_dir: &Path, known: &KnownPeers) {
    let path = data_dir.join(NAME);
    let written = tempfile::NamedTempFile::new_in(data_dir).and_then(|mut file| {
        file.write_all(known.encode().as_bytes())?;
        file.persist(&path).map_err(|error| error.error)
    });
    if let Err(error) = written {
        tracing::warn!(path = %path.display(), %error, "known peers can't be written");
    }
}
