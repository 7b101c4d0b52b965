//! What two data folders hold, compared.

use blocktree_state::{Column, Pair, Reader};
use core::ops::ControlFlow;

/// All that follows from the best chain, whatever else a folder saw before.
pub(crate) const FOLLOWING: [Column; 6] = [
    Column::State,
    Column::Canonical,
    Column::History,
    Column::Events,
    Column::Effects,
    Column::Undo,
];

/// Everything in a column.
pub(crate) fn entries(reader: &dyn Reader, column: Column) -> Vec<Pair> {
    let mut found = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    reader.scan(column, &[], &mut visit).unwrap();
    found
}

/// In what two folders, or snapshots of them, differ whose best chain is the same.
pub(crate) fn difference(one: &dyn Reader, other: &dyn Reader) -> Option<String> {
    for column in FOLLOWING {
        let (one, other) = (entries(one, column), entries(other, column));
        if one != other {
            let (ours, theirs) = (one.len(), other.len());
            return Some(format!("{} differs: {ours} and {theirs} entries", column.name()));
        }
    }
    let tip = |reader: &dyn Reader| reader.get(Column::Meta, b"tip").unwrap();
    (tip(one) != tip(other)).then(|| "the tips differ".into())
}

pub(crate) fn assert_same(one: &dyn Reader, other: &dyn Reader) {
    assert_eq!(difference(one, other), None);
}

/// That no reorganisation is under way.
pub(crate) fn assert_at_rest(reader: &dyn Reader) {
    assert_eq!(reader.get(Column::Meta, b"journey").unwrap(), None);
}
