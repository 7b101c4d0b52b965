//! The admin token: a secret in the data folder that `admin_*` methods ask for, so that only who
//! can read the node's own files can stop it or change what it does.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The token's file within the data folder.
pub const TOKEN_FILE: &str = "rpc-token";
/// Bytes of a token; twice as many hex digits in the file.
const TOKEN_LEN: usize = 32;
/// More than any token file has: what follows is not read.
const MAX_FILE_LEN: u64 = 128;

/// 32 random bytes, in lower-case hex on disk and on the wire. Never shown.
pub struct AdminToken(Zeroizing<[u8; TOKEN_LEN]>);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file can't be read or written.
    #[error("the admin token {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file does not hold a token.
    #[error("the admin token {0} is damaged; delete it and start again, a new one will be made")]
    Damaged(PathBuf),
    /// Others than the owner can read the file.
    #[error(
        "the admin token {0} can be read by others; `chmod 600` it, or delete it to get a new one"
    )]
    Exposed(PathBuf),
    /// The operating system gives no entropy.
    #[error("no entropy for the admin token: {0}")]
    NoEntropy(getrandom::Error),
}

impl AdminToken {
    /// The token of a data folder; made, with access for the owner only, when there is none.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn load_or_create(folder: &Path) -> Result<Self, TokenError> {
        let path = folder.join(TOKEN_FILE);
        match Self::load(&path) {
            Err(TokenError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::create(&path)
            }
            loaded => loaded,
        }
    }

    /// Reads the token of a data folder, as a client does.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn load_from(folder: &Path) -> Result<Self, TokenError> {
        Self::load(&folder.join(TOKEN_FILE))
    }

    fn load(path: &Path) -> Result<Self, TokenError> {
        let io = |source| TokenError::Io { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.permissions().mode() & 0o077 != 0 {
            return Err(TokenError::Exposed(path.to_owned()));
        }
        let mut text = Zeroizing::new(Vec::new());
        file.take(MAX_FILE_LEN).read_to_end(&mut text).map_err(io)?;
        let text = core::str::from_utf8(&text).unwrap_or_default();
        Self::parse(text.trim_end()).ok_or_else(|| TokenError::Damaged(path.to_owned()))
    }

    fn create(path: &Path) -> Result<Self, TokenError> {
        let io = |source| TokenError::Io { path: path.to_owned(), source };
        let mut bytes = Zeroizing::new([0; TOKEN_LEN]);
        getrandom::fill(bytes.as_mut()).map_err(TokenError::NoEntropy)?;
        let token = Self(bytes);
        // Written beside and renamed, so that a kill leaves no half token behind.
        let part = path.with_extension("part");
        let mut options = fs::OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&part).map_err(io)?;
        file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(io)?;
        let mut line = token.to_hex();
        line.push('\n');
        file.write_all(line.as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        fs::rename(&part, path).map_err(io)?;
        Ok(token)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; TOKEN_LEN]);
        hex::decode_to_slice(text, bytes.as_mut()).ok()?;
        Some(Self(bytes))
    }

    /// The text that a client sends. It is erased when dropped.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(*self.0))
    }

    /// Whether `guess` is this token's text; in a time that does not depend on where it differs.
    #[must_use]
    pub fn matches(&self, guess: &str) -> bool {
        Self::parse(guess).is_some_and(|guess| bool::from(guess.0.ct_eq(self.0.as_ref())))
    }
}

impl core::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AdminToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        assert!(AdminToken::load_from(folder.path()).is_err(), "clients make none");
        let token = AdminToken::load_or_create(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join(TOKEN_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = AdminToken::load_or_create(folder.path()).unwrap();
        assert_eq!(*again.to_hex(), *token.to_hex());
        assert!(token.matches(&again.to_hex()));
        let other = tempfile::tempdir().unwrap();
        let other = AdminToken::load_or_create(other.path()).unwrap();
        assert!(!token.matches(&other.to_hex()), "tokens are random");
        assert_eq!(format!("{token:?}"), "AdminToken(redacted)");
    }

    #[test]
    fn guesses_are_refused() {
        let token = AdminToken(Zeroizing::new([7; TOKEN_LEN]));
        let right = "07".repeat(TOKEN_LEN);
        assert!(token.matches(&right));
        let long = "07".repeat(TOKEN_LEN + 1);
        for guess in ["", "07", &right[2..], &long, &right.replacen("07", "08", 1), "zz"] {
            assert!(!token.matches(guess), "{guess}");
        }
    }

    #[test]
    fn damaged_and_exposed_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TOKEN_FILE);
        AdminToken::load_or_create(folder.path()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = AdminToken::load_or_create(folder.path());
        assert!(matches!(refused, Err(TokenError::Exposed(_))), "{refused:?}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let texts = [vec![], b"ab\n".to_vec(), vec![b'x'; 64], vec![b'a'; 1000], vec![0xff; 64]];
        for text in texts {
            fs::write(&path, text).unwrap();
            let refused = AdminToken::load_or_create(folder.path());
            assert!(matches!(refused, Err(TokenError::Damaged(_))), "{refused:?}");
        }
    }
}
