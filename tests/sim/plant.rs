//! Planted bugs: for each invariant an otherwise honest node that breaks it, so that a test sees the
//! invariant report it.

/// How a node misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    /// From height 5 on it throws blocks of others away: it does not agree with anybody.
    Deaf,
    /// It bans an honest peer now and then.
    Bans,
    /// An account of its state is credited behind the pallets' back.
    Credits,
    /// What waits for its writer grows and grows.
    Hoards,
    /// It acknowledges events of users and throws them away.
    Loses,
    /// It goes back to a chain with less work now and then.
    Reverts,
    /// It answers none of the requests that it gets.
    Mute,
    /// It answers requests twice.
    Repeats,
    /// Its disk fails after a while.
    Dies,
    /// It says that it is syncing, whatever it is.
    Dreams,
}
