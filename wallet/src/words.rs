//! Words that stand for a secret: BIP-39, English, 12 or 24 of them.

use crate::entropy::{self, EntropyError};
use bip39::{Language, Mnemonic};
use core::fmt;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// The longest text that is looked at, in bytes. 24 words of 8 letters are 215.
pub const MAX_TEXT_BYTES: usize = 1024;

/// The longest passphrase, in bytes of its normalised form (NFKD, as BIP-39 has it).
pub const MAX_PASSPHRASE_BYTES: usize = 256;

/// How many words: the two of BIP-39's five lengths that are in common use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordCount {
    /// 128 bits of entropy.
    Twelve,
    /// 256 bits of entropy.
    TwentyFour,
}

/// Why a text is no words, or a passphrase cannot go with them.
///
/// Nothing here repeats what was typed: a mistyped word gives a secret away nearly as well as the right
/// one does, and errors are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Longer than [`MAX_TEXT_BYTES`].
    #[error("{0} bytes of text can't be 12 or 24 words: {MAX_TEXT_BYTES} bytes are read at most")]
    TextTooLong(usize),
    /// Another number of words.
    #[error("{0} words: there must be 12 or 24")]
    WrongCount(usize),
    /// A word that is not in the list; counted from 1.
    #[error(
        "word {position} is not in the English list of BIP-39: check its spelling and the words next to it"
    )]
    UnknownWord {
        /// Which word, from 1.
        position: usize,
    },
    /// Every word is in the list, but they don't belong together.
    #[error(
        "the words' checksum is wrong: each word is a word of the list, but one is not the right one, or two changed places"
    )]
    WrongChecksum,
    /// A passphrase longer than [`MAX_PASSPHRASE_BYTES`].
    #[error("the passphrase has {0} bytes: {MAX_PASSPHRASE_BYTES} are the most")]
    PassphraseTooLong(usize),
}

/// 12 or 24 words of BIP-39's English list with a right checksum, and the passphrase that goes with them
/// (mostly none). Erased when dropped, never shown by `Debug`.
#[derive(Clone)]
pub struct Words {
    mnemonic: Mnemonic,
    /// Normalised (NFKD); empty is the same as none.
    passphrase: Zeroizing<String>,
}

impl Words {
    /// New words from the operating system's entropy, without a passphrase.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn generate(count: WordCount) -> Result<Self, EntropyError> {
        let random = entropy::random::<32>()?;
        let entropy = match count {
            WordCount::Twelve => &random[..16],
            WordCount::TwentyFour => &random[..],
        };
        Ok(Self::from_entropy(entropy).expect("16 and 32 bytes are lengths that BIP-39 has"))
    }

    /// The words of 16 or 32 bytes of entropy, without a passphrase; `None` for any other length.
    pub(crate) fn from_entropy(entropy: &[u8]) -> Option<Self> {
        if entropy.len() != 16 && entropy.len() != 32 {
            return None;
        }
        let mnemonic = Mnemonic::from_entropy_in(Language::English, entropy).ok()?;
        Some(Self { mnemonic, passphrase: Zeroizing::default() })
    }

    /// Reads words that are separated by white space, in lower or upper case, without a passphrase.
    ///
    /// # Errors
    /// Says what is wrong and, for an unknown word, which one it is.
    pub fn parse(text: &str) -> Result<Self, WordsError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(WordsError::TextTooLong(text.len()));
        }
        let count = text.split_whitespace().count();
        if count != 12 && count != 24 {
            return Err(WordsError::WrongCount(count));
        }
        let lower = Zeroizing::new(text.to_ascii_lowercase());
        let mnemonic =
            Mnemonic::parse_in_normalized(Language::English, &lower).map_err(|e| match e {
                bip39::Error::UnknownWord(index) => {
                    WordsError::UnknownWord { position: index.saturating_add(1) }
                }
                bip39::Error::BadWordCount(count) => WordsError::WrongCount(count),
                // The other two are about entropy and languages, of which there are none here.
                bip39::Error::InvalidChecksum
                | bip39::Error::BadEntropyBitCount(_)
                | bip39::Error::AmbiguousLanguages(_) => WordsError::WrongChecksum,
            })?;
        Ok(Self { mnemonic, passphrase: Zeroizing::default() })
    }

    /// The same words with a passphrase, BIP-39's "25th word": every passphrase gives other keys, and none
    /// is wrong, so a mistyped one can't be noticed. An empty one is the same as none.
    ///
    /// # Errors
    /// When it is longer than [`MAX_PASSPHRASE_BYTES`].
    pub fn with_passphrase(self, passphrase: &str) -> Result<Self, WordsError> {
        if passphrase.len() > MAX_PASSPHRASE_BYTES {
            return Err(WordsError::PassphraseTooLong(passphrase.len()));
        }
        let mut normal = Cow::Borrowed(passphrase);
        Mnemonic::normalize_utf8_cow(&mut normal);
        let normal = Zeroizing::new(normal.into_owned());
        if normal.len() > MAX_PASSPHRASE_BYTES {
            return Err(WordsError::PassphraseTooLong(normal.len()));
        }
        Ok(Self { mnemonic: self.mnemonic, passphrase: normal })
    }

    /// The words, one space between two. For the owner's eyes.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        // Room for the longest, so that no shorter copy is left behind by growing.
        let mut text = Zeroizing::new(String::with_capacity(MAX_TEXT_BYTES));
        for (i, word) in self.mnemonic.words().enumerate() {
            if i > 0 {
                text.push(' ');
            }
            text.push_str(word);
        }
        text
    }

    /// The passphrase, normalised; empty for none. For the owner's eyes.
    #[must_use]
    pub fn passphrase(&self) -> &str {
        &self.passphrase
    }

    /// How many words there are.
    #[must_use]
    pub fn count(&self) -> WordCount {
        match self.mnemonic.word_count() {
            12 => WordCount::Twelve,
            _ => WordCount::TwentyFour,
        }
    }

    /// The entropy in the first `.1` bytes, 16 or 32.
    pub(crate) fn entropy(&self) -> (Zeroizing<[u8; 33]>, usize) {
        let (bytes, len) = self.mnemonic.to_entropy_array();
        (Zeroizing::new(bytes), len)
    }

    /// Whether the words are the same, whatever the passphrases.
    pub(crate) fn same_words(&self, other: &Self) -> bool {
        self.mnemonic == other.mnemonic
    }

    /// BIP-39's seed: PBKDF2-HMAC-SHA512 of words and passphrase, 2048 rounds, 64 bytes.
    pub(crate) fn seed(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.mnemonic.to_seed_normalized(&self.passphrase))
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::Node;
    use bip32::Prefix;
    use serde_json::Value;

    const ABOUT: &str = "abandon abandon abandon abandon abandon abandon \
                         abandon abandon abandon abandon abandon about";

    /// The list that everybody uses with BIP-39 (tests/vectors/bip39): entropy, words, seed, BIP-32 root.
    #[test]
    fn bip39_vectors() {
        let json = include_str!("../../tests/vectors/bip39/vectors.json");
        let rows: Value = serde_json::from_str(json).unwrap();
        let (mut taken, mut refused) = (0, 0);
        for row in rows["english"].as_array().unwrap() {
            let field = |i: usize| row[i].as_str().unwrap();
            let words = Words::parse(field(1));
            if field(0).len() == 48 {
                // 24 bytes are 18 words: BIP-39 has them, this wallet does not.
                assert_eq!(words.unwrap_err(), WordsError::WrongCount(18));
                refused += 1;
                continue;
            }
            let words = words.unwrap().with_passphrase("TREZOR").unwrap();
            let (entropy, len) = words.entropy();
            assert_eq!(hex::encode(&entropy[..len]), field(0));
            assert_eq!(words.text().as_str(), field(1));
            assert_eq!(hex::encode(words.seed().as_slice()), field(2));
            let root = Node::new(&*words.seed()).unwrap();
            assert_eq!(root.to_string(Prefix::XPRV).as_str(), field(3));
            let again = Words::from_entropy(&hex::decode(field(0)).unwrap()).unwrap();
            assert_eq!(again.text().as_str(), field(1));
            taken += 1;
        }
        assert_eq!((taken, refused), (16, 8), "24 rows, 8 of each length");
    }

    /// The library's list is BIP-39's own.
    #[test]
    fn the_list_is_bip39s() {
        let list = include_str!("../../tests/vectors/bip39/english.txt");
        let list: Vec<&str> = list.lines().collect();
        assert_eq!(list.len(), 2048);
        assert_eq!(Language::English.word_list().as_slice(), list);
    }

    #[test]
    fn bad_texts_are_refused_by_name() {
        use WordsError::*;
        let replaced = |at: usize, by: &str| {
            let mut words: Vec<&str> = ABOUT.split_whitespace().collect();
            words[at] = by;
            words.join(" ")
        };
        for (text, error) in [
            (String::new(), WrongCount(0)),
            ("abandon".into(), WrongCount(1)),
            (format!("{ABOUT} about"), WrongCount(13)),
            (vec!["abandon"; 15].join(" "), WrongCount(15)),
            (vec!["abandon"; 25].join(" "), WrongCount(25)),
            (replaced(0, "abandom"), UnknownWord { position: 1 }),
            (replaced(11, "abouts"), UnknownWord { position: 12 }),
            (replaced(4, "été"), UnknownWord { position: 5 }),
            (replaced(11, "abandon"), WrongChecksum),
            (vec!["zoo"; 24].join(" "), WrongChecksum),
            (" ".repeat(1025), TextTooLong(1025)),
        ] {
            assert_eq!(Words::parse(&text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn case_and_white_space_do_not_matter() {
        let typed = format!("  {}\n", ABOUT.to_uppercase().replace(' ', "\t \n"));
        let words = Words::parse(&typed).unwrap();
        assert_eq!(words.text().as_str(), ABOUT.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    #[test]
    fn generated_words_are_read_back_and_differ() {
        for (count, number) in [(WordCount::Twelve, 12), (WordCount::TwentyFour, 24)] {
            let one = Words::generate(count).unwrap();
            let two = Words::generate(count).unwrap();
            assert_eq!(one.count(), count);
            assert_eq!(one.text().split(' ').count(), number);
            assert!(Words::parse(&one.text()).unwrap().same_words(&one));
            assert!(!one.same_words(&two));
        }
    }

    /// A passphrase changes the seed; how its letters are composed does not.
    #[test]
    fn passphrases_are_normalised_and_bounded() {
        let with = |text: &str| Words::parse(ABOUT).unwrap().with_passphrase(text);
        let seed = |text: &str| with(text).unwrap().seed();
        assert_ne!(*seed(""), *seed("x"));
        assert_eq!(*seed("\u{e9}"), *seed("e\u{301}"));
        assert_eq!(*seed(""), *Words::parse(ABOUT).unwrap().seed());
        assert!(with(&"x".repeat(256)).is_ok());
        assert_eq!(with(&"x".repeat(257)).unwrap_err(), WordsError::PassphraseTooLong(257));
        // U+FDFA has 3 bytes and decomposes into 18 letters, 33 bytes: 8 of them are 264.
        assert_eq!(with(&"\u{fdfa}".repeat(8)).unwrap_err(), WordsError::PassphraseTooLong(264));
    }

    #[test]
    fn words_are_never_shown() {
        let words = Words::parse(ABOUT).unwrap().with_passphrase("hush").unwrap();
        assert_eq!(format!("{words:?}"), "Words(redacted)");
        assert_eq!(format!("{:#?}", Some(&words)), "Some(\n    Words(redacted),\n)");
    }
}
