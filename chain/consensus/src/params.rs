//! The parameters of consensus: part of the chainspec, constant for a chain and hashed into its
//! identity (docs/protocol.md §3.9).
//!
//! What a node may choose for itself, such as the least work a chain must show before its
//! headers are stored, is not here: it must not give the same chain another name.
// The derive of an enum's encoding writes its index as `as u8`.
#![allow(clippy::cast_possible_truncation)]

use crate::target::{Target, TargetError};
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};

/// How the target of a block follows from the blocks before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub enum Difficulty {
    /// ASERT `aserti3-2d` with genesis as anchor.
    #[codec(index = 0)]
    Asert {
        /// The delay, in spacings, that halves the difficulty. At least 1.
        half_life_spacings: u32,
    },
    /// Always the target of genesis: a chain on one's own machine.
    #[codec(index = 1)]
    Constant,
}

/// The parameters. SCALE: the fields in order, fixed-width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct Params {
    /// Time of the genesis header, seconds since 1970.
    pub genesis_time: u32,
    /// Target of the genesis header and anchor of the difficulty, compact.
    pub genesis_bits: u32,
    /// The easiest target that any block may have, compact.
    pub limit_bits: u32,
    /// Seconds between blocks that the difficulty aims at. At least 1.
    pub spacing: u32,
    /// How the target is found.
    pub difficulty: Difficulty,
    /// Seconds by which a header's time may be ahead of the local clock.
    pub max_future: u32,
}

/// Which parameter makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// A block every zero seconds.
    #[error("the spacing is zero")]
    NoSpacing,
    /// Difficulty would be divided by zero.
    #[error("the half-life is zero")]
    NoHalfLife,
    /// The bits of genesis or of the limit are no target.
    #[error("{bits:#010x}: {error}")]
    NotATarget {
        /// The compact form.
        bits: u32,
        /// What is wrong with it.
        error: TargetError,
    },
    /// A target has one compact form that headers may carry; this is another.
    #[error("{bits:#010x} is written as {canonical:#010x}")]
    NotCanonical {
        /// The compact form given.
        bits: u32,
        /// The one of the same target.
        canonical: u32,
    },
    /// Genesis is easier than any block may be.
    #[error("the target of genesis is above the limit")]
    GenesisAboveLimit,
}

impl Params {
    /// Checks that the parameters make sense together.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), ParamsError> {
        if self.spacing == 0 {
            return Err(ParamsError::NoSpacing);
        }
        if matches!(self.difficulty, Difficulty::Asert { half_life_spacings: 0 }) {
            return Err(ParamsError::NoHalfLife);
        }
        if canonical(self.genesis_bits)? > canonical(self.limit_bits)? {
            return Err(ParamsError::GenesisAboveLimit);
        }
        Ok(())
    }
}

fn canonical(bits: u32) -> Result<Target, ParamsError> {
    let target =
        Target::from_bits(bits).map_err(|error| ParamsError::NotATarget { bits, error })?;
    match target.to_bits() {
        canonical if canonical == bits => Ok(target),
        canonical => Err(ParamsError::NotCanonical { bits, canonical }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_primitives::decode_exact;

    const GOOD: Params = Params {
        genesis_time: 1_700_000_000,
        genesis_bits: 0x1d00_ffff,
        limit_bits: 0x1e00_ffff,
        spacing: 60,
        difficulty: Difficulty::Asert { half_life_spacings: 288 },
        max_future: 600,
    };

    #[test]
    fn nonsense_is_refused_by_name() {
        assert_eq!(GOOD.check(), Ok(()));
        let dev = Params { difficulty: Difficulty::Constant, ..GOOD };
        assert_eq!(dev.check(), Ok(()));
        let no_half_life = Difficulty::Asert { half_life_spacings: 0 };
        for (params, error) in [
            (Params { spacing: 0, ..GOOD }, ParamsError::NoSpacing),
            (Params { difficulty: no_half_life, ..GOOD }, ParamsError::NoHalfLife),
            (
                Params { genesis_bits: 0, ..GOOD },
                ParamsError::NotATarget { bits: 0, error: TargetError::Zero },
            ),
            (
                Params { limit_bits: 0xff12_3456, ..GOOD },
                ParamsError::NotATarget { bits: 0xff12_3456, error: TargetError::Overflow },
            ),
            (
                Params { genesis_bits: 0x1e00_00ff, ..GOOD },
                ParamsError::NotCanonical { bits: 0x1e00_00ff, canonical: 0x1d00_ff00 },
            ),
            (Params { genesis_bits: 0x1e01_0000, ..GOOD }, ParamsError::GenesisAboveLimit),
        ] {
            assert_eq!(params.check(), Err(error));
        }
    }

    #[test]
    fn the_encoding_is_frozen() {
        // 1,700,000,000 = 0x6553f100; 60 = 0x3c; ASERT 0, 288 = 0x120; 600 = 0x258.
        let bytes = hex::decode("00f15365ffff001dffff001e3c000000002001000058020000").unwrap();
        assert_eq!(GOOD.encode(), bytes);
        assert_eq!(decode_exact::<Params>(&bytes, 64), Ok(GOOD));
        assert_eq!(Params::max_encoded_len(), bytes.len());
    }
}
