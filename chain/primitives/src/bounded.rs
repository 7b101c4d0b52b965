//! Collections that know their bound, and decoding that leaves nothing over.

use core::ops::Deref;
use parity_scale_codec::{
    Compact, Decode, Encode, EncodeLike, Error, Input, MaxEncodedLen, Output,
};

/// Why bytes are not the one canonical encoding of a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than any value of this type may be; nothing was decoded.
    #[error("{len} bytes, at most {max} allowed")]
    TooLong {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Not an encoding of this type.
    #[error("malformed: {0}")]
    Malformed(String),
    /// A whole value, then more bytes.
    #[error("{0} bytes left over")]
    TrailingBytes(usize),
}

/// Decodes a value that takes up all of `bytes`, of which there are at most `max`.
///
/// # Errors
/// See [`DecodeError`]. Nothing is decoded when there are more than `max` bytes.
pub fn decode_exact<T: Decode>(bytes: &[u8], max: usize) -> Result<T, DecodeError> {
    if bytes.len() > max {
        return Err(DecodeError::TooLong { len: bytes.len(), max });
    }
    let mut rest = bytes;
    let value = T::decode(&mut rest).map_err(|e| DecodeError::Malformed(e.to_string()))?;
    match rest.len() {
        0 => Ok(value),
        left => Err(DecodeError::TrailingBytes(left)),
    }
}

/// At most `MAX` values. SCALE: as a `Vec`, a longer one is refused before its items are read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoundedVec<T, const MAX: usize>(Vec<T>);

/// At most `MAX` bytes. SCALE: as a `Vec<u8>`, a longer one is refused before it is read.
pub type BoundedBytes<const MAX: usize> = BoundedVec<u8, MAX>;

/// More items than the type allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{len} items, at most {max} allowed")]
pub struct TooMany {
    /// Items given.
    pub len: usize,
    /// Items allowed.
    pub max: usize,
}

impl<T, const MAX: usize> BoundedVec<T, MAX> {
    /// No items.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds an item at the end.
    ///
    /// # Errors
    /// When there are `MAX` items already.
    pub fn push(&mut self, item: T) -> Result<(), TooMany> {
        if self.0.len() >= MAX {
            return Err(TooMany { len: self.0.len().saturating_add(1), max: MAX });
        }
        self.0.push(item);
        Ok(())
    }

    /// Inserts an item at `index` (at the end if `index` is past it).
    ///
    /// # Errors
    /// When there are `MAX` items already.
    pub fn insert(&mut self, index: usize, item: T) -> Result<(), TooMany> {
        if self.0.len() >= MAX {
            return Err(TooMany { len: self.0.len().saturating_add(1), max: MAX });
        }
        let index = index.min(self.0.len());
        self.0.insert(index, item);
        Ok(())
    }

    /// Keeps the items for which `keep` says so, in order.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.0.retain(keep);
    }

    /// The items, without the bound.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> Default for BoundedVec<T, MAX> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const MAX: usize> TryFrom<Vec<T>> for BoundedVec<T, MAX> {
    type Error = TooMany;
    fn try_from(items: Vec<T>) -> Result<Self, TooMany> {
        if items.len() > MAX {
            return Err(TooMany { len: items.len(), max: MAX });
        }
        Ok(Self(items))
    }
}

impl<T, const MAX: usize> Deref for BoundedVec<T, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T, const MAX: usize> IntoIterator for &'a BoundedVec<T, MAX> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Encode, const MAX: usize> Encode for BoundedVec<T, MAX> {
    fn size_hint(&self) -> usize {
        self.0.size_hint()
    }
    fn encode_to<O: Output + ?Sized>(&self, dest: &mut O) {
        self.0.encode_to(dest);
    }
}

impl<T: Encode, const MAX: usize> EncodeLike for BoundedVec<T, MAX> {}

impl<T: Decode, const MAX: usize> Decode for BoundedVec<T, MAX> {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let Compact(len) = Compact::<u32>::decode(input)?;
        let len = usize::try_from(len).map_err(|_| Error::from("collection too long"))?;
        if len > MAX {
            return Err(Error::from("collection longer than its bound"));
        }
        // The bound caps what a count alone, without bytes behind it, can make us reserve.
        let mut items = Vec::with_capacity(len.min(1024));
        for _ in 0..len {
            items.push(T::decode(input)?);
        }
        Ok(Self(items))
    }
}

impl<T: MaxEncodedLen, const MAX: usize> MaxEncodedLen for BoundedVec<T, MAX> {
    fn max_encoded_len() -> usize {
        // A compact length takes at most 5 bytes for a u32.
        5usize.saturating_add(T::max_encoded_len().saturating_mul(MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_is_strict() {
        type Three = BoundedVec<u16, 3>;
        let good = Three::try_from(vec![1, 2, 3]).unwrap();
        assert_eq!(decode_exact::<Three>(&good.encode(), 16), Ok(good.clone()));
        let mut trailing = good.encode();
        trailing.push(0);
        assert_eq!(decode_exact::<Three>(&trailing, 16), Err(DecodeError::TrailingBytes(1)));
        assert!(matches!(
            decode_exact::<Three>(&vec![1u16, 2, 3, 4].encode(), 16),
            Err(DecodeError::Malformed(_))
        ));
        assert_eq!(
            decode_exact::<Three>(&[0; 17], 16),
            Err(DecodeError::TooLong { len: 17, max: 16 })
        );
        // The count 1 written in the two-byte compact form: 1 << 2 | 0b01 = 5.
        assert!(matches!(decode_exact::<Three>(&[5, 0, 7, 0], 16), Err(DecodeError::Malformed(_))));
        // A count of 2^30 - 1 with nothing behind it.
        assert!(matches!(
            decode_exact::<BoundedVec<u8, { 1 << 30 }>>(&[0xfe, 0xff, 0xff, 0xff], 16),
            Err(DecodeError::Malformed(_))
        ));
    }
}
