//! Typed maps over the flat state. Logical key = map index (u8) || SCALE(key).

use crate::{Fault, Overlay, View};
use core::marker::PhantomData;
use core::ops::ControlFlow;
use parity_scale_codec::{Decode, Encode, Error, Input, MaxEncodedLen, Output};

/// A map of the global state. Its index is append-only and used by no other map
/// (`pallets/support` lists them).
pub struct Map<K, V> {
    index: u8,
    types: PhantomData<fn() -> (K, V)>,
}

/// A single value of the global state: absent means the default, and the default is stored as
/// absence.
pub struct Cell<V> {
    index: u8,
    types: PhantomData<fn() -> V>,
}

/// A number that is encoded big-endian, so that key order is number order. SCALE: 8 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BigEndian(pub u64);

impl Encode for BigEndian {
    fn size_hint(&self) -> usize {
        8
    }
    fn encode_to<O: Output + ?Sized>(&self, dest: &mut O) {
        dest.write(&self.0.to_be_bytes());
    }
}

impl Decode for BigEndian {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Self(u64::from_be_bytes(<[u8; 8]>::decode(input)?)))
    }
}

impl MaxEncodedLen for BigEndian {
    fn max_encoded_len() -> usize {
        8
    }
}

/// Decodes what we stored ourselves: anything else is damage, not an attack.
fn decode_stored<T: Decode>(mut bytes: &[u8], index: u8, what: &str) -> Result<T, Fault> {
    let value = T::decode(&mut bytes)
        .map_err(|e| Fault::Corrupt(format!("a {what} of state map {index}: {e}")))?;
    if bytes.is_empty() {
        Ok(value)
    } else {
        Err(Fault::Corrupt(format!("a {what} of state map {index} has bytes left over")))
    }
}

impl<K: Encode + Decode, V: Encode + Decode> Map<K, V> {
    /// The map with this index.
    #[must_use]
    pub const fn new(index: u8) -> Self {
        Self { index, types: PhantomData }
    }

    /// The logical key of `key`.
    #[must_use]
    pub fn logical_key(&self, key: &K) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + key.size_hint());
        bytes.push(self.index);
        key.encode_to(&mut bytes);
        bytes
    }

    /// The value at `key`.
    ///
    /// # Errors
    /// A [`Fault`] of the disk, or damage.
    pub fn get(&self, view: &dyn View, key: &K) -> Result<Option<V>, Fault> {
        match view.get(&self.logical_key(key))? {
            Some(bytes) => decode_stored(&bytes, self.index, "value").map(Some),
            None => Ok(None),
        }
    }

    /// Whether there is a value at `key`.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    pub fn contains(&self, view: &dyn View, key: &K) -> Result<bool, Fault> {
        Ok(view.get(&self.logical_key(key))?.is_some())
    }

    /// Writes a value.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    pub fn put(&self, state: &mut Overlay<'_>, key: &K, value: &V) -> Result<(), Fault> {
        state.put(self.logical_key(key), value.encode())
    }

    /// Removes a value, present or not.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    pub fn remove(&self, state: &mut Overlay<'_>, key: &K) -> Result<(), Fault> {
        state.remove(self.logical_key(key))
    }

    /// Visits the pairs in key order, from the first whose encoded key is not below `from`
    /// (empty: all), until told to stop.
    ///
    /// # Errors
    /// A [`Fault`] of the disk, or damage.
    pub fn scan(
        &self,
        view: &dyn View,
        from: &[u8],
        mut visit: impl FnMut(K, V) -> ControlFlow<()>,
    ) -> Result<(), Fault> {
        let mut start = vec![self.index];
        start.extend_from_slice(from);
        let mut fault = None;
        view.scan(&start, &mut |key, value| {
            let Some((index, rest)) = key.split_first() else {
                return ControlFlow::Continue(());
            };
            if *index != self.index {
                return ControlFlow::Break(());
            }
            let pair = decode_stored(rest, self.index, "key")
                .and_then(|k| Ok((k, decode_stored(value, self.index, "value")?)));
            match pair {
                Ok((key, value)) => visit(key, value),
                Err(found) => {
                    fault = Some(found);
                    ControlFlow::Break(())
                }
            }
        })?;
        fault.map_or(Ok(()), Err)
    }

    /// All pairs in key order; for audits and tests, not for the fold.
    ///
    /// # Errors
    /// A [`Fault`] of the disk, or damage.
    pub fn collect(&self, view: &dyn View) -> Result<Vec<(K, V)>, Fault> {
        let mut pairs = Vec::new();
        self.scan(view, &[], |key, value| {
            pairs.push((key, value));
            ControlFlow::Continue(())
        })?;
        Ok(pairs)
    }
}

impl<V: Encode + Decode + Default + PartialEq> Cell<V> {
    /// The value with this index.
    #[must_use]
    pub const fn new(index: u8) -> Self {
        Self { index, types: PhantomData }
    }

    /// The logical key: the index alone.
    #[must_use]
    pub fn logical_key(&self) -> Vec<u8> {
        vec![self.index]
    }

    /// The value, the default if absent.
    ///
    /// # Errors
    /// A [`Fault`] of the disk, or damage.
    pub fn get(&self, view: &dyn View) -> Result<V, Fault> {
        match view.get(&self.logical_key())? {
            Some(bytes) => decode_stored(&bytes, self.index, "value"),
            None => Ok(V::default()),
        }
    }

    /// Writes the value; the default removes it.
    ///
    /// # Errors
    /// A [`Fault`] of the disk.
    pub fn put(&self, state: &mut Overlay<'_>, value: &V) -> Result<(), Fault> {
        if *value == V::default() {
            state.remove(self.logical_key())
        } else {
            state.put(self.logical_key(), value.encode())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EmptyView;

    const NUMBERS: Map<BigEndian, u32> = Map::new(200);
    const COUNT: Cell<u64> = Cell::new(201);

    #[test]
    fn maps_keep_to_their_index_and_order() {
        let mut state = Overlay::new(&EmptyView);
        for number in [256, 1, 2] {
            NUMBERS.put(&mut state, &BigEndian(number), &7).unwrap();
        }
        COUNT.put(&mut state, &3).unwrap();
        let keys: Vec<u64> =
            NUMBERS.collect(&state).unwrap().into_iter().map(|(k, _)| k.0).collect();
        assert_eq!(keys, [1, 2, 256]);
        assert_eq!(COUNT.get(&state), Ok(3));
        COUNT.put(&mut state, &0).unwrap();
        assert_eq!(state.get(&[201]), Ok(None), "a default is stored as absence");
    }

    #[test]
    fn damage_is_a_fault_not_a_value() {
        let mut state = Overlay::new(&EmptyView);
        state.put(NUMBERS.logical_key(&BigEndian(1)), vec![1, 2, 3, 4, 5]).unwrap();
        assert!(matches!(NUMBERS.get(&state, &BigEndian(1)), Err(Fault::Corrupt(_))));
        assert!(matches!(NUMBERS.collect(&state), Err(Fault::Corrupt(_))));
    }
}
