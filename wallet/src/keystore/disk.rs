//! Files and folders: bounded reads, whole writes, narrow permissions.

use super::error::{Damage, KeystoreError};
use super::{MAX_ENTRIES, file::MAX_FILE_BYTES};
use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Permission bits of a key file.
const FILE_MODE: u32 = 0o600;
/// Permission bits of the folder.
const FOLDER_MODE: u32 = 0o700;
/// The bits that let others write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

fn failed<'a>(
    doing: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> KeystoreError + use<'a> {
    move |error| KeystoreError::Io { doing, path: path.into(), error }
}

fn check_mode(path: &Path, metadata: &Metadata) -> Result<(), KeystoreError> {
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(KeystoreError::Exposed { path: path.into(), mode });
    }
    Ok(())
}

/// Makes the folder, with its parents, where there is none; a folder that is there keeps its mode.
pub(super) fn make_folder(folder: &Path) -> Result<(), KeystoreError> {
    if check_folder(folder)? {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(folder)
        .map_err(failed("make the folder", folder))?;
    if let Some(parent) = folder.parent().filter(|p| !p.as_os_str().is_empty()) {
        sync_folder(parent)?;
    }
    Ok(())
}

/// Whether the folder is there, and only its owner may write to it.
fn check_folder(folder: &Path) -> Result<bool, KeystoreError> {
    match fs::metadata(folder) {
        Ok(metadata) => check_mode(folder, &metadata).map(|()| true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(failed("look at", folder)(e)),
    }
}

/// The names of what is in the folder, in no order; none if there is no folder.
pub(super) fn entries(folder: &Path) -> Result<Vec<String>, KeystoreError> {
    let mut names = Vec::new();
    if !check_folder(folder)? {
        return Ok(names);
    }
    for entry in fs::read_dir(folder).map_err(failed("read", folder))? {
        let entry = entry.map_err(failed("read", folder))?;
        if names.len() >= MAX_ENTRIES {
            return Err(KeystoreError::TooManyFiles { folder: folder.into() });
        }
        // A name that is not UTF-8 is no key's.
        if let Ok(name) = entry.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

/// The whole content of a key file, at most [`MAX_FILE_BYTES`]; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, KeystoreError> {
    let damaged = |damage| KeystoreError::Damaged { path: path.into(), damage };
    if let Some(folder) = path.parent() {
        check_folder(folder)?;
    }
    // Before it is opened: opening a pipe would wait for someone to write into it.
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Err(damaged(Damage::NotAFile)),
        Ok(metadata) => check_mode(path, &metadata)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed("look at", path)(e)),
    }
    let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::with_capacity(MAX_FILE_BYTES);
    File::open(path)
        .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(failed("read", path))?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(damaged(Damage::TooLarge(MAX_FILE_BYTES)));
    }
    Ok(Some(bytes))
}

/// How [`create`] ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Created {
    /// The file is there, whole, and on the disk.
    New,
    /// There was something of this name already; it was not touched.
    Taken,
}

/// Writes a new file, all of it or none: a temporary one beside it is filled, brought to the disk and
/// renamed, unless the name is taken by then. Interrupted, it leaves at most the temporary file, whose
/// name begins with a dot and is no key's.
pub(super) fn create(path: &Path, content: &[u8]) -> Result<Created, KeystoreError> {
    let folder: PathBuf = path.parent().unwrap_or(Path::new(".")).into();
    let mut temporary = tempfile::Builder::new()
        .prefix(".new-")
        .suffix(".tmp")
        .permissions(Permissions::from_mode(FILE_MODE))
        .tempfile_in(&folder)
        .map_err(failed("make a file in", &folder))?;
    temporary
        .write_all(content)
        .and_then(|()| temporary.as_file().sync_all())
        .map_err(failed("write", path))?;
    match temporary.persist_noclobber(path) {
        Ok(_) => {}
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => return Ok(Created::Taken),
        Err(e) => return Err(failed("write", path)(e.error)),
    }
    sync_folder(&folder)?;
    Ok(Created::New)
}

fn sync_folder(folder: &Path) -> Result<(), KeystoreError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(failed("bring to the disk", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_is_left_alone_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        assert_eq!(create(&path, b"one").unwrap(), Created::New);
        assert_eq!(create(&path, b"two").unwrap(), Created::Taken);
        assert_eq!(read(&path).unwrap().unwrap(), b"one");
        assert_eq!(entries(folder.path()).unwrap(), ["a.json"]);
    }

    #[test]
    fn what_is_no_small_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        assert!(read(&path).unwrap().is_none());
        assert_eq!(create(&path, &[b'x'; MAX_FILE_BYTES]).unwrap(), Created::New);
        assert_eq!(read(&path).unwrap().unwrap().len(), MAX_FILE_BYTES);
        let larger = folder.path().join("b.json");
        create(&larger, &[b'x'; MAX_FILE_BYTES + 1]).unwrap();
        let damage = |path: &Path| match read(path) {
            Err(KeystoreError::Damaged { damage, .. }) => damage,
            other => panic!("{other:?}"),
        };
        assert_eq!(damage(&larger), Damage::TooLarge(MAX_FILE_BYTES));
        for (name, target) in [("c.json", folder.path()), ("d.json", Path::new("/dev/zero"))] {
            let other = folder.path().join(name);
            std::os::unix::fs::symlink(target, &other).unwrap();
            assert_eq!(damage(&other), Damage::NotAFile);
        }
    }
}
