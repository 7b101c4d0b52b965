//! What the pool leaves on disk, in the column `PoolJournal`:
//!
//! | key | value, SCALE |
//! |---|---|
//! | `0` | the pool's last tip: height u64, block hash |
//! | `1 \|\| event id` | a waiting event: sequence u64, arrival height u64, encoded event (compact length, bytes) |
//! | `2 \|\| number u64, big-endian` | a dropped event: event id, [`Dropped`] |
//!
//! Refusals by templates are not journalled: the next template finds them again.

use crate::lane::Entry;
use crate::{Dropped, Tip};
use blocktree_primitives::{EventId, Height, decode_exact};
use blocktree_state::{Batch, Column, Fault, Reader};
use core::ops::ControlFlow;
use parity_scale_codec::{Decode, Encode};

const COLUMN: Column = Column::PoolJournal;
const TIP: u8 = 0;
const WAITING: u8 = 1;
const DROPPED: u8 = 2;

/// What the journal says of a waiting event.
pub(crate) struct Waiting {
    pub(crate) id: EventId,
    pub(crate) sequence: u64,
    pub(crate) since: Height,
    pub(crate) encoded: Vec<u8>,
}

/// All that the journal says.
#[derive(Default)]
pub(crate) struct Journal {
    pub(crate) tip: Option<Tip>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) drops: Vec<(u64, EventId, Dropped)>,
}

pub(crate) fn put_tip(batch: &mut Batch, tip: &Tip) {
    batch.put(COLUMN, [TIP], tip.encode());
}

pub(crate) fn put_waiting<C>(batch: &mut Batch, entry: &Entry<C>) {
    let value = (entry.sequence, entry.since, entry.event.encoded()).encode();
    batch.put(COLUMN, key(WAITING, &entry.event.id().0), value);
}

pub(crate) fn delete_waiting(batch: &mut Batch, id: &EventId) {
    batch.delete(COLUMN, key(WAITING, &id.0));
}

pub(crate) fn put_drop(batch: &mut Batch, number: u64, id: &EventId, dropped: &Dropped) {
    let key = key(DROPPED, &number.to_be_bytes());
    batch.put(COLUMN, key, (id, dropped).encode());
}

pub(crate) fn delete_drop(batch: &mut Batch, number: u64) {
    batch.delete(COLUMN, key(DROPPED, &number.to_be_bytes()));
}

fn key(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + rest.len());
    key.push(kind);
    key.extend_from_slice(rest);
    key
}

/// Reads the whole journal.
///
/// # Errors
/// A [`Fault`]: of the disk, or `Corrupt` when the bytes are not what is written here.
pub(crate) fn read(reader: &dyn Reader) -> Result<Journal, Fault> {
    let mut journal = Journal::default();
    let mut outcome = Ok(());
    reader.scan(COLUMN, &[], &mut |key, value| {
        outcome = journal.take(key, value);
        match outcome {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    outcome.map(|()| journal)
}

impl Journal {
    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        let corrupt = || Fault::Corrupt(format!("the pool's journal has a key {key:02x?}"));
        let (&kind, rest) = key.split_first().ok_or_else(corrupt)?;
        match kind {
            TIP if rest.is_empty() => self.tip = Some(whole(value)?),
            WAITING => {
                let id = EventId(rest.try_into().map_err(|_| corrupt())?);
                let (sequence, since, encoded) = whole(value)?;
                self.waiting.push(Waiting { id, sequence, since, encoded });
            }
            DROPPED => {
                let number = u64::from_be_bytes(rest.try_into().map_err(|_| corrupt())?);
                let (id, dropped) = whole(value)?;
                self.drops.push((number, id, dropped));
            }
            _ => return Err(corrupt()),
        }
        Ok(())
    }
}

/// Decodes what this program wrote itself.
///
/// # Errors
/// [`Fault::Corrupt`] when it is not that.
pub(crate) fn whole<T: Decode>(bytes: &[u8]) -> Result<T, Fault> {
    decode_exact(bytes, bytes.len())
        .map_err(|error| Fault::Corrupt(format!("the pool's journal: {error}")))
}
