//! What is sealed in a key file: 300 bytes, whatever they hold, so that a file's length tells nothing.
//!
//! ```text
//! byte 0        1: a bare secret          2: words
//! bytes 1..     secret, 32 bytes          length of the entropy, u8: 16 or 32
//!                                         entropy, 32 bytes
//!                                         coin type, u32 | index, u32
//!                                         length of the passphrase, u16: at most 256
//!                                         passphrase, UTF-8, normalised (NFKD), 256 bytes
//! ```
//!
//! Little-endian; what is not used is zero, which is checked.

use crate::secret::KeyMaterial;
use crate::words::{MAX_PASSPHRASE_BYTES, Words};
use blocktree_primitives::SecretKey;
use zeroize::Zeroizing;

const ENTROPY_LEN: usize = 32;
/// Bytes of a record.
pub(super) const RECORD_LEN: usize = 1 + 1 + ENTROPY_LEN + 4 + 4 + 2 + MAX_PASSPHRASE_BYTES;

const SECRET: u8 = 1;
const WORDS: u8 = 2;

pub(super) type Record = Zeroizing<[u8; RECORD_LEN]>;

/// The record of a key.
pub(super) fn encode(material: &KeyMaterial) -> Record {
    let mut record = Zeroizing::new([0; RECORD_LEN]);
    let mut writer = Writer(record.as_mut_slice());
    match material {
        KeyMaterial::Secret(secret) => {
            writer.put(&[SECRET], 1);
            writer.put(secret.expose(), 32);
        }
        KeyMaterial::Words { words, coin_type, index } => {
            let (entropy, len) = words.entropy();
            let passphrase = words.passphrase().as_bytes();
            let entropy = entropy.get(..len).unwrap_or_default();
            let bounded = "words have at most 32 bytes of entropy, a passphrase at most 256";
            writer.put(&[WORDS], 1);
            writer.put(&[u8::try_from(len).expect(bounded)], 1);
            writer.put(entropy, ENTROPY_LEN);
            writer.put(&coin_type.to_le_bytes(), 4);
            writer.put(&index.to_le_bytes(), 4);
            let len = u16::try_from(passphrase.len()).expect(bounded);
            writer.put(&len.to_le_bytes(), 2);
            writer.put(passphrase, MAX_PASSPHRASE_BYTES);
        }
    }
    record
}

/// The key of a record; `None` if it is none.
pub(super) fn decode(record: &[u8; RECORD_LEN]) -> Option<KeyMaterial> {
    let mut reader = Reader(record);
    let [kind] = *reader.take::<1>()?;
    let material = match kind {
        SECRET => KeyMaterial::Secret(SecretKey::from_bytes(*reader.take()?).ok()?),
        WORDS => {
            let [len] = *reader.take::<1>()?;
            let entropy = unpad(reader.take::<ENTROPY_LEN>()?, len.into())?;
            let coin_type = u32::from_le_bytes(*reader.take()?);
            let index = u32::from_le_bytes(*reader.take()?);
            let len = u16::from_le_bytes(*reader.take()?);
            let passphrase = unpad(reader.take::<MAX_PASSPHRASE_BYTES>()?, len.into())?;
            let passphrase = core::str::from_utf8(passphrase).ok()?;
            KeyMaterial::Words {
                words: Words::from_entropy(entropy)?
                    .with_passphrase(passphrase)
                    .ok()
                    .filter(|words| words.passphrase() == passphrase)?,
                coin_type,
                index,
            }
        }
        _ => return None,
    };
    reader.0.iter().all(|b| *b == 0).then_some(material)
}

/// The first `len` bytes, if the others are zero.
fn unpad(field: &[u8], len: usize) -> Option<&[u8]> {
    let (used, rest) = field.split_at_checked(len)?;
    rest.iter().all(|b| *b == 0).then_some(used)
}

struct Writer<'a>(&'a mut [u8]);

impl Writer<'_> {
    /// Writes `bytes` into a field of `width`; the rest of it stays zero.
    fn put(&mut self, bytes: &[u8], width: usize) {
        let (field, rest) = core::mem::take(&mut self.0).split_at_mut(width);
        field[..bytes.len()].copy_from_slice(bytes);
        self.0 = rest;
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WordCount;
    use crate::dev::dev_words;

    fn words(words: Words) -> KeyMaterial {
        KeyMaterial::Words { words, coin_type: 0x0102_0304, index: 5 }
    }

    #[test]
    fn the_layout_is_frozen() {
        // The words are eleven times number 1788, then 970, 11 bits each; less the last 4 bits, the
        // checksum, they are these 16 bytes.
        let material = words(dev_words().with_passphrase("hush").unwrap());
        let expected = [
            "0210",
            "df9bf37e6fcdf9bf37e6fcdf9bf37e3c",
            &"00".repeat(16),
            "0403020105000000",
            "040068757368",
            &"00".repeat(252),
        ]
        .concat();
        assert_eq!(hex::encode(encode(&material).as_slice()), expected);

        let secret = KeyMaterial::Secret(SecretKey::from_bytes([7; 32]).unwrap());
        let bytes = secret.secret_key().unwrap();
        let expected = ["01", &hex::encode(bytes.expose()), &"00".repeat(267)].concat();
        assert_eq!(hex::encode(encode(&secret).as_slice()), expected);
    }

    #[test]
    fn records_round_trip() {
        let longest = "x".repeat(256);
        for material in [
            words(dev_words()),
            words(dev_words().with_passphrase("\u{e9}").unwrap()),
            words(
                Words::generate(WordCount::TwentyFour).unwrap().with_passphrase(&longest).unwrap(),
            ),
            KeyMaterial::Secret(SecretKey::from_bytes([7; 32]).unwrap()),
        ] {
            let record = encode(&material);
            let again = decode(&record).unwrap();
            assert_eq!(*encode(&again), *record);
            let key = |m: &KeyMaterial| m.secret_key().unwrap().public_key();
            assert_eq!(key(&again), key(&material));
        }
    }

    /// Everything that no key is encoded to.
    #[test]
    fn other_bytes_are_no_record() {
        let good = encode(&words(dev_words().with_passphrase("e").unwrap()));
        let with = |changes: &[(usize, u8)]| {
            let mut record = good.clone();
            for (at, byte) in changes {
                record[*at] = *byte;
            }
            decode(&record).is_some()
        };
        assert!(with(&[]));
        for (changes, why) in [
            (&[(0, 0)][..], "no such kind"),
            (&[(0, 3)], "no such kind"),
            (&[(0, 1)], "a secret has nothing behind it"),
            (&[(1, 15)], "entropy of 15 bytes"),
            (&[(1, 24)], "entropy of 24 bytes: 18 words"),
            (&[(1, 33)], "entropy beyond its field"),
            (&[(33, 1)], "entropy's padding"),
            (&[(42, 0)], "passphrase's padding"),
            (&[(299, 1)], "passphrase's padding"),
            (&[(43, 0xff), (42, 0xff)], "passphrase beyond its field"),
            (&[(44, 0xff)], "not UTF-8"),
            (&[(42, 2), (44, 0xc3), (45, 0xa9)], "not normalised"),
        ] {
            assert!(!with(changes), "{why}");
        }
        assert!(decode(&[0; RECORD_LEN]).is_none());
        let mut zero_secret = [0; RECORD_LEN];
        zero_secret[0] = 1;
        assert!(decode(&zero_secret).is_none());
    }
}
