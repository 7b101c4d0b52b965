//! Passwords of the keystore: bounded, erased, never shown.

use core::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The longest password, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Why a password can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// No byte at all.
    #[error("the password is empty: choose one that others don't guess")]
    Empty,
    /// Longer than [`MAX_PASSWORD_BYTES`].
    #[error("the password is longer than {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// Its file can't be read.
    #[error("can't read the password file {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// A password, as the bytes that were typed. Erased when dropped, never shown by `Debug`.
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// A password from its bytes (of a text: UTF-8); nothing is trimmed or normalised.
    ///
    /// # Errors
    /// When there is none or it is too long.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, PasswordError> {
        let bytes = Zeroizing::new(bytes.into());
        if bytes.is_empty() {
            return Err(PasswordError::Empty);
        }
        if bytes.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        Ok(Self(bytes))
    }

    /// The password in a file (or pipe), less one line end after it.
    ///
    /// # Errors
    /// When the file can't be read, or has no password or too long a one.
    pub fn from_file(path: &Path) -> Result<Self, PasswordError> {
        // The longest password, its line end, and one byte by which longer files are known.
        let mut buffer = Zeroizing::new([0; MAX_PASSWORD_BYTES + 3]);
        let len = File::open(path)
            .and_then(|mut file| read_up_to(&mut file, buffer.as_mut_slice()))
            .map_err(|error| PasswordError::Io { path: path.into(), error })?;
        let bytes = buffer.get(..len).unwrap_or_default();
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Self::new(line.strip_suffix(b"\r").unwrap_or(line))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Fills `buffer` as far as the source goes, without any buffer in between; returns how far.
fn read_up_to(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> Result<Password, PasswordError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, bytes).unwrap();
        Password::from_file(&path)
    }

    #[test]
    fn one_line_end_is_no_part_of_the_password() {
        for (bytes, password) in [
            (&b"hush"[..], &b"hush"[..]),
            (b"hush\n", b"hush"),
            (b"hush\r\n", b"hush"),
            (b"hush\n\n", b"hush\n"),
            (b" hush ", b" hush "),
            (b"\xff\xfe\n", b"\xff\xfe"),
        ] {
            assert_eq!(file(bytes).unwrap().as_bytes(), password);
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let longest = [b'x'; 1024];
        for line_end in ["", "\n", "\r\n"] {
            let bytes = [&longest, line_end.as_bytes()].concat();
            assert_eq!(file(&bytes).unwrap().as_bytes(), longest);
        }
        for bytes in [&[b'x'; 1025][..], &[b'x'; 1_000_000]] {
            assert!(matches!(file(bytes), Err(PasswordError::TooLong)));
        }
        for bytes in [&b""[..], b"\n", b"\r\n"] {
            assert!(matches!(file(bytes), Err(PasswordError::Empty)));
        }
        assert!(matches!(Password::new(""), Err(PasswordError::Empty)));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Password::from_file(Path::new("/nowhere/password")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/password"), "{error}");
    }

    #[test]
    fn passwords_are_never_shown() {
        let password = Password::new("hush").unwrap();
        assert_eq!(format!("{password:?}"), "Password(redacted)");
    }
}
