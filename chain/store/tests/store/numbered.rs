//! Numbered batches over several columns, each of which leaves a state that only that number leaves.

use blocktree_state::{Batch, Column, Durability, Fault, Ledger, MemoryLedger, Reader};
use blocktree_store::Store;
use std::ops::ControlFlow;

const TOP: &[u8] = b"top";

/// Bytes that depend on the number, and do not compress.
fn noise(n: u32, len: usize) -> Vec<u8> {
    let mut state = n.wrapping_mul(2_654_435_761).max(1);
    let step = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    std::iter::repeat_with(step).flatten().take(len).collect()
}

/// The batch with this number, from 1: values added, rewritten, removed alone and by range.
pub(crate) fn batch(n: u32) -> Batch {
    let mut batch = Batch::new();
    batch.put(Column::Meta, TOP, n.to_be_bytes());
    batch.put(Column::Bodies, noise(n, 32), noise(n, 3_000));
    for i in 0..4 {
        batch.put(Column::State, (n * 7 + i).rem_euclid(97).to_be_bytes(), noise(n + i, 90));
    }
    batch.put(Column::Undo, n.to_be_bytes(), noise(n, 400));
    batch.delete_range(Column::Undo, 0u32.to_be_bytes(), n.saturating_sub(20).to_be_bytes());
    batch.put(Column::PoolJournal, n.to_be_bytes(), noise(n, 200));
    batch.delete(Column::PoolJournal, (n - 1).to_be_bytes());
    batch
}

/// Writes the batches from one number to another.
pub(crate) fn write(store: &Store, numbers: std::ops::RangeInclusive<u32>) {
    for n in numbers {
        store.write(batch(n), Durability::Process).expect("write");
    }
}

/// The number of the last batch that left a trace.
pub(crate) fn top(reader: &dyn Reader) -> u32 {
    let bytes = reader.get(Column::Meta, TOP).expect("get");
    bytes.map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().expect("four bytes")))
}

type Pairs = Vec<(Column, Vec<u8>, Vec<u8>)>;

/// All pairs of all columns.
fn dump(reader: &dyn Reader) -> Result<Pairs, Fault> {
    let mut pairs = Pairs::new();
    for column in Column::ALL {
        let mut visit = |key: &[u8], value: &[u8]| {
            pairs.push((column, key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        };
        reader.scan(column, b"", &mut visit)?;
    }
    Ok(pairs)
}

/// Checks that the ledger is as the batches up to some number leave it, in all columns alike, and
/// returns that number.
pub(crate) fn check(reader: &dyn Reader) -> Result<u32, Fault> {
    let found = dump(reader)?;
    let top = top(reader);
    let model = MemoryLedger::new();
    for n in 1..=top {
        model.write(batch(n), Durability::Process)?;
    }
    assert!(found == dump(&model)?, "not what the batches up to {top} leave");
    Ok(top)
}
