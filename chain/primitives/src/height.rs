//! Heights of chain blocks and the spans between them.

use core::fmt;
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// The number of a chain block; genesis is 0. SCALE: u64, little-endian.
///
/// Heights in events are inclusive (docs/protocol.md §4).
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen,
)]
pub struct Height(pub u64);

/// A number of chain blocks. SCALE: u64, little-endian.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen,
)]
pub struct Span(pub u64);

impl Height {
    /// The height of genesis.
    pub const GENESIS: Self = Self(0);

    /// This height and `span` blocks more, if it fits.
    #[must_use]
    pub const fn checked_add(self, span: Span) -> Option<Self> {
        match self.0.checked_add(span.0) {
            Some(height) => Some(Self(height)),
            None => None,
        }
    }

    /// The blocks from `earlier` to here, if it is not later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Option<Span> {
        match self.0.checked_sub(earlier.0) {
            Some(span) => Some(Span(span)),
            None => None,
        }
    }

    /// The next height, if there is one.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        self.checked_add(Span(1))
    }

    /// The height before, if this is not genesis.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(height) => Some(Self(height)),
            None => None,
        }
    }
}

impl Span {
    /// `times` times this span, if it fits.
    #[must_use]
    pub const fn checked_mul(self, times: u64) -> Option<Self> {
        match self.0.checked_mul(times) {
            Some(span) => Some(Self(span)),
            None => None,
        }
    }
}

macro_rules! shown_as_number {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}", self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}", self.0) }
        }
    )*};
}
shown_as_number!(Height, Span);
