//! The keystore: a folder with one encrypted file per key, `NAME.json`. Format and reasons:
//! docs/decisions/004-keystore.md.

mod disk;
mod error;
mod file;
mod header;
mod name;
mod record;
mod seal;

pub use error::{Damage, KeystoreError};
pub use header::KeyInfo;
pub use name::{BadKeyName, KeyName};
pub use seal::{BadKdfCost, KdfCost};

use crate::dev::{refuse_dev_key, refuse_dev_words};
use crate::entropy;
use crate::password::Password;
use crate::secret::KeyMaterial;
use crate::signer::Signer;
use blocktree_primitives::{Network, SecretKey};
use file::{KeyFile, ReadError};
use header::Opening;
use record::Record;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of the format that is written.
pub const VERSION: u32 = 1;

/// The most files that a keystore's folder may have.
pub const MAX_ENTRIES: usize = 10_000;

const EXTENSION: &str = ".json";

/// The keys in one folder, as used on one network. Holds no secret; reads the folder anew each time.
#[derive(Clone, Debug)]
pub struct Keystore {
    folder: PathBuf,
    network: Network,
    cost: KdfCost,
}

/// A key whose file was opened. Shows no secret by `Debug`.
#[derive(Clone, Debug)]
pub struct UnlockedKey {
    info: KeyInfo,
    material: KeyMaterial,
    secret: SecretKey,
}

/// One key in a listing: its name, and what its file says or why it can't be read.
pub type Listed = (KeyName, Result<KeyInfo, KeystoreError>);

impl Keystore {
    /// The keystore in `folder`, which is made when the first key is added.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, network: Network) -> Self {
        Self { folder: folder.into(), network, cost: KdfCost::STRONG }
    }

    /// The same keystore with another cost for the files that it writes; a file that is there tells its
    /// own.
    #[must_use]
    pub const fn with_cost(mut self, cost: KdfCost) -> Self {
        self.cost = cost;
        self
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Encrypts a key into a new file. When this returns, the file is on the disk.
    ///
    /// # Errors
    /// When the name is taken (nothing is ever overwritten), off the dev network for a development key
    /// or the development words, and when the file can't be written.
    pub fn add(
        &self,
        name: &KeyName,
        material: &KeyMaterial,
        password: &Password,
    ) -> Result<KeyInfo, KeystoreError> {
        let path = self.path(name);
        let taken = || KeystoreError::NameTaken { name: name.clone(), path: path.clone() };
        let public_key = self.check(material)?.public_key();
        disk::make_folder(&self.folder)?;
        if path.symlink_metadata().is_ok() {
            return Err(taken());
        }
        let info =
            KeyInfo { name: name.clone(), network: self.network, public_key, created: now() };
        let text = self.encrypt(&info, &record::encode(material), password)?;
        match disk::create(&path, text.as_bytes())? {
            disk::Created::New => Ok(info),
            disk::Created::Taken => Err(taken()),
        }
    }

    /// The text of a key file.
    fn encrypt(
        &self,
        info: &KeyInfo,
        record: &Record,
        password: &Password,
    ) -> Result<String, KeystoreError> {
        let opening =
            Opening { cost: self.cost, salt: *entropy::random()?, nonce: *entropy::random()? };
        let header = file::header_text(info, &opening);
        let key = stretch(password, &opening)?;
        let sealed = seal::seal(&key, &opening.nonce, header.as_bytes(), record);
        Ok(file::write(&header, &sealed))
    }

    /// Opens a key of this network.
    ///
    /// # Errors
    /// See [`KeystoreError`]; a wrong password, a damaged file, a newer one and a missing one are told
    /// apart.
    pub fn unlock(
        &self,
        name: &KeyName,
        password: &Password,
    ) -> Result<UnlockedKey, KeystoreError> {
        let KeyFile { info, opening, header, sealed } = self.read(name)?;
        if info.network != self.network {
            return Err(KeystoreError::OtherNetwork {
                name: name.clone(),
                found: info.network,
                expected: self.network,
            });
        }
        let key = stretch(password, &opening)?;
        let record = seal::open(&key, &opening.nonce, header.as_bytes(), &sealed)
            .ok_or_else(|| KeystoreError::WrongPassword { name: name.clone() })?;
        let material =
            record::decode(&record).ok_or_else(|| self.damaged(name, Damage::Contents))?;
        let secret = self.check(&material)?;
        if secret.public_key() != info.public_key {
            return Err(self.damaged(name, Damage::OtherKey));
        }
        Ok(UnlockedKey { info, material, secret })
    }

    /// What a key's file says without its password: enough to receive with, but only as trustworthy as
    /// the folder.
    ///
    /// # Errors
    /// See [`KeystoreError`].
    pub fn info(&self, name: &KeyName) -> Result<KeyInfo, KeystoreError> {
        Ok(self.read(name)?.info)
    }

    /// Every key of the folder, of whatever network, by name. A file that can't be read does not hide
    /// the others.
    ///
    /// # Errors
    /// When the folder can't be read or has more than [`MAX_ENTRIES`] files.
    pub fn list(&self) -> Result<Vec<Listed>, KeystoreError> {
        let names = self.names()?;
        Ok(names
            .into_iter()
            .map(|name| {
                let info = self.info(&name);
                (name, info)
            })
            .collect())
    }

    /// The names that are taken, in order.
    fn names(&self) -> Result<Vec<KeyName>, KeystoreError> {
        let mut names: Vec<KeyName> = disk::entries(&self.folder)?
            .iter()
            .filter_map(|entry| entry.strip_suffix(EXTENSION)?.parse().ok())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &KeyName) -> Result<KeyFile, KeystoreError> {
        let path = self.path(name);
        let Some(bytes) = disk::read(&path)? else {
            return Err(KeystoreError::NoSuchKey {
                name: name.clone(),
                folder: self.folder.clone(),
                existing: self.names()?,
            });
        };
        let file = file::read(&bytes).map_err(|e| match e {
            ReadError::Damaged(damage) => self.damaged(name, damage),
            ReadError::NewerVersion(found) => KeystoreError::NewerVersion { path, found },
        })?;
        if file.info.name != *name {
            return Err(self.damaged(name, Damage::Misnamed(file.info.name)));
        }
        Ok(file)
    }

    /// The key of `material`, unless everybody knows it and this network has a value.
    fn check(&self, material: &KeyMaterial) -> Result<SecretKey, KeystoreError> {
        if let KeyMaterial::Words { words, .. } = material {
            refuse_dev_words(self.network, words)?;
        }
        let secret = material.secret_key()?;
        refuse_dev_key(self.network, &secret.public_key())?;
        Ok(secret)
    }

    fn path(&self, name: &KeyName) -> PathBuf {
        self.folder.join(format!("{name}{EXTENSION}"))
    }

    fn damaged(&self, name: &KeyName, damage: Damage) -> KeystoreError {
        KeystoreError::Damaged { path: self.path(name), damage }
    }
}

impl UnlockedKey {
    /// What the file says of the key; the truth, now that it was opened.
    #[must_use]
    pub const fn info(&self) -> &KeyInfo {
        &self.info
    }

    /// What the key is made from, for its owner's export.
    #[must_use]
    pub const fn material(&self) -> &KeyMaterial {
        &self.material
    }

    /// The secret key.
    #[must_use]
    pub const fn secret_key(&self) -> &SecretKey {
        &self.secret
    }

    /// A signer with the key; the rest is erased.
    #[must_use]
    pub fn into_signer(self) -> Signer {
        Signer::new(self.secret)
    }
}

fn stretch(
    password: &Password,
    opening: &Opening,
) -> Result<zeroize::Zeroizing<[u8; 32]>, KeystoreError> {
    seal::stretch(password, &opening.salt, opening.cost).map_err(|seal::OutOfMemory| {
        KeystoreError::OutOfMemory { memory_kib: opening.cost.memory_kib() }
    })
}

/// Seconds since 1970; 0 on a clock that is before.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::DevKeys;
    use crate::{DevKeyRefused, WordCount, Words};
    use blocktree_primitives::PublicKey;

    /// Opens a file that is sealed as it should be, under the right password, with `record` in it.
    fn unlock(network: Network, public_key: PublicKey, record: &Record) -> KeystoreError {
        let folder = tempfile::tempdir().unwrap();
        let cheap = KdfCost::new(8, 1, 1).unwrap();
        let keys = Keystore::new(folder.path(), network).with_cost(cheap);
        let password = Password::new("x").unwrap();
        let name: KeyName = "a".parse().unwrap();
        let info = KeyInfo { name: name.clone(), network, public_key, created: 0 };
        let text = keys.encrypt(&info, record, &password).unwrap();
        std::fs::write(keys.path(&name), text).unwrap();
        keys.unlock(&name, &password).unwrap_err()
    }

    /// What a faulty or hostile program sealed is refused, though the seal holds.
    #[test]
    fn what_was_sealed_is_checked_too() {
        let words = Words::generate(WordCount::Twelve).unwrap();
        let key = |index| KeyMaterial::Words { words: words.clone(), coin_type: 1, index };
        let public = |index| key(index).secret_key().unwrap().public_key();
        let damage = |error| match error {
            KeystoreError::Damaged { damage, .. } => damage,
            other => panic!("{other:?}"),
        };

        let mut broken = record::encode(&key(0));
        broken[0] = 9;
        assert_eq!(damage(unlock(Network::Main, public(0), &broken)), Damage::Contents);
        let other = record::encode(&key(1));
        assert_eq!(damage(unlock(Network::Main, public(0), &other)), Damage::OtherKey);
        let too_large = record::encode(&key(u32::MAX));
        assert!(matches!(unlock(Network::Main, public(0), &too_large), KeystoreError::Derive(_)));

        let known = DevKeys::new(1).secret(3).unwrap();
        let record = record::encode(&KeyMaterial::Secret(known.clone()));
        assert!(matches!(
            unlock(Network::Main, known.public_key(), &record),
            KeystoreError::DevKey(DevKeyRefused::Key { index: 3 })
        ));
    }
}
