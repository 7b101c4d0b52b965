//! Paths as strings of 256 bits, most significant bit first, and their prefixes.

use blocktree_hashing::Digest;

/// Bits of a path.
pub(super) const BITS: usize = 256;

/// The bit at `depth`, which is below [`BITS`].
#[inline]
pub(super) fn bit(path: &Digest, depth: usize) -> bool {
    path[depth / 8] & (0x80 >> (depth % 8)) != 0
}

/// How many leading bits two paths share; [`BITS`] when they are the same.
#[inline]
pub(super) fn common(a: &Digest, b: &Digest) -> usize {
    let (a, _) = a.as_chunks::<8>();
    let (b, _) = b.as_chunks::<8>();
    let mut shared = 0;
    for (a, b) in a.iter().zip(b) {
        let differing = u64::from_be_bytes(*a) ^ u64::from_be_bytes(*b);
        if differing != 0 {
            return shared + differing.leading_zeros() as usize;
        }
        shared += 64;
    }
    shared
}

/// `path` with the bit at `depth` (below [`BITS`]) set to `side`.
pub(super) fn with_bit(mut path: Digest, depth: usize, side: bool) -> Digest {
    let mask = 0x80 >> (depth % 8);
    if side {
        path[depth / 8] |= mask;
    } else {
        path[depth / 8] &= !mask;
    }
    path
}

/// The key of a page on disk: the bytes that its prefix reaches into, unused bits zero, then the
/// prefix's length in bits as one byte. As no page's prefix begins another's, keys sort as paths do.
pub(super) fn page_key(path: &Digest, depth: u8) -> Vec<u8> {
    let bits = usize::from(depth);
    let mut key = path[..bits.div_ceil(8)].to_vec();
    if let Some(last) = key.last_mut()
        && bits % 8 != 0
    {
        *last &= 0xff << (8 - bits % 8);
    }
    key.push(depth);
    key
}

/// The prefix (padded with zero bits) and its length behind a key made by [`page_key`]; nothing for
/// other bytes.
pub(super) fn from_page_key(key: &[u8]) -> Option<(Digest, u8)> {
    let (depth, bytes) = key.split_last()?;
    let mut path = [0; 32];
    path.get_mut(..bytes.len())?.copy_from_slice(bytes);
    (page_key(&path, *depth) == key).then_some((path, *depth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_most_significant() {
        let mut path = [0; 32];
        path[0] = 0x80;
        path[31] = 0x01;
        assert!(bit(&path, 0) && !bit(&path, 1) && !bit(&path, 254) && bit(&path, 255));
        assert_eq!(common(&path, &path), 256);
        assert_eq!(common(&path, &[0; 32]), 0);
        assert_eq!(common(&path, &with_bit(path, 77, true)), 77);
        assert_eq!(with_bit(with_bit(path, 77, true), 77, false), path);
    }

    #[test]
    fn page_keys_round_trip_and_nothing_else_is_one() {
        let path = [0xff; 32];
        assert_eq!(page_key(&path, 0), [0]);
        assert_eq!(page_key(&path, 5), [0b1111_1000, 5]);
        assert_eq!(page_key(&path, 8), [0xff, 8]);
        assert_eq!(page_key(&path, 9), [0xff, 0x80, 9]);
        for depth in 0..=255 {
            let (prefix, length) = from_page_key(&page_key(&path, depth)).unwrap();
            assert_eq!(length, depth);
            assert!(common(&prefix, &path) >= depth.into());
        }
        for wrong in [&[][..], &[1], &[0, 0], &[0xff, 5], &[0xff, 0xff, 9], &[7; 34]] {
            assert_eq!(from_page_key(wrong), None, "{wrong:?}");
        }
    }
}
