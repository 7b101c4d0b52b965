//! Names that tell nothing: on the ledger stands a keyed hash, and the real name in the
//! encrypted payload (docs/protocol.md §9.3).

use blocktree_primitives::path::PathError;
use blocktree_primitives::{BlockPath, Name, SecretKey};
use hkdf::Hkdf;
use parity_scale_codec::Encode;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// HKDF's salt for the key of all names.
const KEY_SALT: &[u8] = b"blocktree/name-key";

/// HKDF's salt for one name.
const NAME_SALT: &[u8] = b"blocktree/name";

/// Bytes of a hidden name, shown as twice as many hex digits.
const LEN: usize = 16;

/// The key that hides the names below one root principal. It follows from the root key, so
/// whoever has the words has it. Erased when dropped, never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct NameKey([u8; 32]);

impl NameKey {
    /// The key of a root principal.
    #[must_use]
    pub fn of(root: &SecretKey) -> Self {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(KEY_SALT), root.expose())
            .expand(b"", &mut key)
            .expect("one hash of output, below HKDF's limit of 255");
        Self(key)
    }

    /// What stands on the ledger for `name` in the directory `parent`: 32 lower-case hex
    /// digits. The same name in another directory has another.
    ///
    /// # Errors
    ///
    /// None in practice: hex digits are a name.
    pub fn hide(&self, parent: &BlockPath, name: &Name) -> Result<Name, PathError> {
        let mut hidden = Zeroizing::new([0u8; LEN]);
        let info: [&[u8]; 2] = [&parent.encode(), name.as_str().as_bytes()];
        Hkdf::<Sha256>::new(Some(NAME_SALT), &self.0)
            .expand_multi_info(&info, hidden.as_mut_slice())
            .expect("half a hash of output, below HKDF's limit of 255");
        let digits: String = hidden.iter().map(|byte| format!("{byte:02x}")).collect();
        Name::new(&digits)
    }
}

impl core::fmt::Debug for NameKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("NameKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_primitives::Principal;

    #[test]
    fn names_are_hidden_by_key_and_directory() {
        let key = NameKey::of(&SecretKey::from_bytes([7; 32]).unwrap());
        let name = |text: &str| Name::new(text).unwrap();
        let root = BlockPath::new(Principal([1; 32]), Vec::new()).unwrap();
        let below = BlockPath::new(Principal([1; 32]), vec![name("a")]).unwrap();
        let hidden = key.hide(&root, &name("secret")).unwrap();
        assert_eq!(hidden.as_str().len(), 32);
        assert_eq!(key.hide(&root, &name("secret")), Ok(hidden.clone()));
        assert_ne!(key.hide(&below, &name("secret")), Ok(hidden.clone()));
        assert_ne!(key.hide(&root, &name("secret2")), Ok(hidden.clone()));
        let other = NameKey::of(&SecretKey::from_bytes([8; 32]).unwrap());
        assert_ne!(other.hide(&root, &name("secret")), Ok(hidden));
        assert_eq!(format!("{key:?}"), "NameKey(redacted)");
    }
}
