//! What is kept of a chain of headers that was seen and let go: one bit in every [`EVERY`] headers,
//! salted, so that whoever shows other headers the second time is found out after a few of them.

use blocktree_primitives::BlockHash;

/// Headers to a bit.
pub(crate) const EVERY: u64 = 64;

/// Bits of headers by their number from the first, 0. Memory: a byte for 512 headers.
#[derive(Clone, Debug)]
pub(crate) struct Bits {
    salt: u64,
    words: Vec<u64>,
    count: u64,
}

impl Bits {
    /// No headers yet. `salt` must not be known to peers.
    pub(crate) const fn new(salt: u64) -> Self {
        Self { salt, words: Vec::new(), count: 0 }
    }

    /// Bytes of memory.
    pub(crate) fn len_bytes(&self) -> usize {
        self.words.len().saturating_mul(8)
    }

    /// Which headers leave a bit is secret as well: the remainder of their number.
    fn place(&self, number: u64) -> Option<u64> {
        (number % EVERY == self.salt % EVERY).then_some(number / EVERY)
    }

    fn bit(&self, hash: &BlockHash) -> bool {
        let mut message = [0; 40];
        message[..8].copy_from_slice(&self.salt.to_le_bytes());
        message[8..].copy_from_slice(&hash.0);
        blocktree_hashing::hash(&message)[0] & 1 == 1
    }

    /// Notes the next header.
    pub(crate) fn push(&mut self, hash: &BlockHash) {
        let number = self.count;
        self.count = self.count.saturating_add(1);
        let Some(place) = self.place(number) else { return };
        if place % 64 == 0 {
            self.words.push(0);
        }
        let bit = self.bit(hash);
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(bit) << (place % 64);
        }
    }

    /// Whether the header of this number can be the one that was noted.
    pub(crate) fn agrees(&self, number: u64, hash: &BlockHash) -> bool {
        let Some(place) = self.place(number) else { return true };
        let word = usize::try_from(place / 64).ok().and_then(|word| self.words.get(word));
        word.is_some_and(|word| (word >> (place % 64) & 1 == 1) == self.bit(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> BlockHash {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        BlockHash(bytes)
    }

    #[test]
    fn the_same_headers_agree_and_others_are_found_out() {
        for salt in [0, 1, 63, 64, u64::MAX] {
            let mut bits = Bits::new(salt);
            for number in 0..20_000 {
                bits.push(&hash(number));
            }
            assert!((0..20_000).all(|number| bits.agrees(number, &hash(number))), "{salt}");
            // 20,000 / 64 = 312 bits; other headers agree with half of them.
            let other = |number: &u64| !bits.agrees(*number, &hash(number + 1_000_000));
            let found = (0..20_000).filter(other).count();
            assert!((100..=212).contains(&found), "{found} with salt {salt}");
            // 312 or 313 bits in 5 words.
            assert_eq!(bits.len_bytes(), 40);
        }
    }

    #[test]
    fn headers_beyond_the_last_do_not_agree() {
        let mut bits = Bits::new(0);
        bits.push(&hash(0));
        assert!(bits.agrees(0, &hash(0)) && !bits.agrees(64 * 64, &hash(9)));
    }
}
