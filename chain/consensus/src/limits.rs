//! How much a block may hold (docs/protocol.md §4.5).

use crate::runtime::Weight;
use crate::violation::Violation;
use blocktree_primitives::block::MAX_EVENTS;

/// All events of a block together weigh at most this.
pub const MAX_WEIGHT: Weight = 2_000_000;

/// All events but those that answer pending challenges weigh at most this together, so that
/// nobody can crowd out a proof that is due.
pub const MAX_NORMAL_WEIGHT: Weight = 1_500_000;

/// No event weighs less, whatever the runtime says: so the limit on weight also is one on their
/// number, and no block that fits it holds more than [`MAX_EVENTS`].
pub const MIN_EVENT_WEIGHT: Weight = 123;

const _: () = assert!(MIN_EVENT_WEIGHT * (MAX_EVENTS as Weight + 1) > MAX_WEIGHT);

/// Which limit an event does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// All events together.
    #[error("all events would weigh {0}, at most {MAX_WEIGHT} allowed")]
    All(Weight),
    /// Those that don't answer challenges.
    #[error("events that answer no challenge would weigh {0}, at most {MAX_NORMAL_WEIGHT} allowed")]
    Normal(Weight),
}

impl LimitError {
    /// What it is for a block whose event at `index` does not fit.
    #[must_use]
    pub const fn at(self, index: usize) -> Violation {
        match self {
            Self::All(weight) => Violation::TooHeavy { index, weight },
            Self::Normal(weight) => Violation::NormalTooHeavy { index, weight },
        }
    }
}

/// The weight that a block has taken so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    all: Weight,
    normal: Weight,
}

impl Weights {
    /// With an event of `weight` more, whatever it does.
    ///
    /// # Errors
    /// [`LimitError::All`].
    pub fn with(self, weight: Weight) -> Result<Self, LimitError> {
        match self.all.saturating_add(weight) {
            all if all > MAX_WEIGHT => Err(LimitError::All(all)),
            all => Ok(Self { all, ..self }),
        }
    }

    /// With `weight` counted among the events that don't answer challenges as well.
    ///
    /// # Errors
    /// [`LimitError::Normal`].
    pub fn with_normal(self, weight: Weight) -> Result<Self, LimitError> {
        match self.normal.saturating_add(weight) {
            normal if normal > MAX_NORMAL_WEIGHT => Err(LimitError::Normal(normal)),
            normal => Ok(Self { normal, ..self }),
        }
    }

    /// The weight of all events.
    #[must_use]
    pub const fn all(&self) -> Weight {
        self.all
    }

    /// The weight of those that don't answer challenges.
    #[must_use]
    pub const fn normal(&self) -> Weight {
        self.normal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_themselves_are_allowed() {
        let none = Weights::default();
        assert_eq!(none.with(2_000_000).map(|w| w.all()), Ok(2_000_000));
        assert_eq!(none.with(2_000_001), Err(LimitError::All(2_000_001)));
        assert_eq!(none.with_normal(1_500_000).map(|w| w.normal()), Ok(1_500_000));
        let one = none.with(5).and_then(|w| w.with_normal(5)).unwrap();
        assert_eq!(one.with_normal(1_499_996), Err(LimitError::Normal(1_500_001)));
        assert_eq!(one.with(Weight::MAX), Err(LimitError::All(Weight::MAX)));
        // Room for 500,000 is left when the normal events are at their limit.
        let full = none.with(1_500_000).and_then(|w| w.with_normal(1_500_000)).unwrap();
        assert_eq!(full.with(500_000).map(|w| w.all()), Ok(2_000_000));
    }
}
