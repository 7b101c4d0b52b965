//! The key of a node: a file in its data folder, from which follow who it is in the network (its
//! [`NodeId`] and PeerId) and on the ledger (its principal) (docs/protocol.md §2.3, §2.4).

use blocktree_network::NodeId;
use blocktree_primitives::{Principal, PublicKey, SecretKey};
use core::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The key's file within the data folder.
pub const KEY_FILE: &str = "node.key";
/// Bytes of a secret; twice as many hex digits in the file.
const SECRET_LEN: usize = 32;
/// More than any key file has: what follows is not read.
const MAX_FILE_LEN: u64 = 128;
/// How often random bytes are drawn before giving up. One draw in 2^128 is no secret key.
const DRAWS: usize = 4;
/// The first byte of a compressed key whose point has even Y.
const EVEN_Y: u8 = 2;

/// The secret key of a node. 32 bytes, in lower-case hex on disk. Erased when dropped, never shown.
#[derive(Clone)]
pub struct NodeKey(SecretKey);

/// Why there is no node key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read or written.
    #[error("the node key {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file does not hold a key. It is not replaced: a node that changes its key is another node.
    #[error("the node key {0} is damaged; restore it, or delete it to become another node")]
    Damaged(PathBuf),
    /// Others than the owner can read the file.
    #[error("the node key {0} can be read by others; `chmod 600` it")]
    Exposed(PathBuf),
    /// The operating system gives no entropy.
    #[error("no entropy for the node key: {0}")]
    NoEntropy(getrandom::Error),
}

impl NodeKey {
    /// The key of a data folder; made, with access for the owner only, when there is none.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn load_or_create(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join(KEY_FILE);
        match Self::load(&path) {
            Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::create(&path)
            }
            loaded => loaded,
        }
    }

    /// A key that is nowhere stored.
    ///
    /// # Errors
    /// When the operating system gives no entropy.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; SECRET_LEN]);
        for _ in 0..DRAWS {
            getrandom::fill(bytes.as_mut())?;
            if let Some(key) = Self::from_bytes(&bytes) {
                return Ok(key);
            }
        }
        Err(getrandom::Error::UNEXPECTED)
    }

    /// A key from its 32 bytes, negated if its point has odd Y; `None` if they are no secret key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; SECRET_LEN]) -> Option<Self> {
        SecretKey::from_bytes(*bytes).ok().map(Self)
    }

    /// Who the node is in the network.
    #[must_use]
    pub fn node(&self) -> NodeId {
        let mut bytes = [EVEN_Y; 33];
        bytes[1..].copy_from_slice(&self.public_key().0);
        NodeId(bytes)
    }

    /// The x-only public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.0.public_key()
    }

    /// Who the node is on the ledger.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal::of(&self.public_key())
    }

    /// The 32 bytes. The caller erases its copy.
    pub(crate) fn expose(&self) -> &[u8; SECRET_LEN] {
        self.0.expose()
    }

    fn load(path: &Path) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Exposed(path.to_owned()));
        }
        let mut text = Zeroizing::new(Vec::new());
        file.take(MAX_FILE_LEN).read_to_end(&mut text).map_err(io)?;
        let text = core::str::from_utf8(&text).unwrap_or_default();
        let mut bytes = Zeroizing::new([0; SECRET_LEN]);
        hex::decode_to_slice(text.trim_end(), bytes.as_mut())
            .ok()
            .and_then(|()| Self::from_bytes(&bytes))
            .ok_or_else(|| KeyError::Damaged(path.to_owned()))
    }

    fn create(path: &Path) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io { path: path.to_owned(), source };
        let key = Self::generate().map_err(KeyError::NoEntropy)?;
        // Written beside and renamed, so that a kill leaves no half key behind.
        let part = path.with_extension("part");
        let mut options = fs::OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&part).map_err(io)?;
        file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(io)?;
        let mut line = Zeroizing::new(hex::encode(key.expose()));
        line.push('\n');
        file.write_all(line.as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        fs::rename(&part, path).map_err(io)?;
        Ok(key)
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeKey(redacted)")
    }
}

/// The principal of a node: the hash of its x-only key, for which the sign of Y does not count
/// (docs/protocol.md §2.4).
#[must_use]
pub fn principal_of(node: &NodeId) -> Principal {
    let mut key = [0; 32];
    key.copy_from_slice(&node.0[1..]);
    Principal::of(&PublicKey(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let key = NodeKey::load_or_create(folder.path()).unwrap();
        let path = folder.path().join(KEY_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&path).unwrap().len(), 65, "64 hex digits and a line feed");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no partial file stays");
        let again = NodeKey::load_or_create(folder.path()).unwrap();
        assert_eq!(again.node(), key.node());
        let other = tempfile::tempdir().unwrap();
        assert_ne!(NodeKey::load_or_create(other.path()).unwrap().node(), key.node());
        assert_eq!(format!("{key:?}"), "NodeKey(redacted)");
    }

    #[test]
    fn damaged_and_exposed_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        NodeKey::load_or_create(folder.path()).unwrap();
        for mode in [0o644, 0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = NodeKey::load_or_create(folder.path());
            assert!(matches!(refused, Err(KeyError::Exposed(_))), "{refused:?}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        // The last two: zero, and 2^256 − 1, which is above the order of the curve.
        let texts = [
            vec![],
            b"ab\n".to_vec(),
            vec![b'x'; 64],
            vec![b'a'; 1000],
            vec![0xff; 64],
            vec![b'0'; 64],
            vec![b'f'; 64],
        ];
        for text in texts {
            fs::write(&path, text).unwrap();
            let refused = NodeKey::load_or_create(folder.path());
            assert!(matches!(refused, Err(KeyError::Damaged(_))), "{refused:?}");
        }
    }

    /// The secret keys 1 and 2. Their points, from SEC 2 (the generator) and its double: both have
    /// even Y. The order less 1 is the negation of 1: the point of the same X and odd Y, negated here.
    #[test]
    fn a_node_is_its_key_with_even_y() {
        const G: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
        let mut one = [0; 32];
        one[31] = 1;
        let key = NodeKey::from_bytes(&one).unwrap();
        assert_eq!(hex::encode(key.node().0), G);
        assert_eq!(hex::encode(key.public_key().0), G[2..]);
        assert_eq!(principal_of(&key.node()), key.principal());
        let minus_one: [u8; 32] =
            hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140")
                .unwrap()
                .try_into()
                .unwrap();
        assert_eq!(NodeKey::from_bytes(&minus_one).unwrap().node(), key.node());
    }
}
