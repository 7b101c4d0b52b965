//! The format of the data folder, and the way from an earlier one to the present.
//!
//! A change of what any column holds, or of the columns themselves, raises [`FORMAT`] and adds a
//! [`Step`]. The marker gets the new format before the first step, so that an earlier version of the
//! program refuses the folder from then on; the database records each step in the batch that ends it,
//! so that an upgrade which was interrupted goes on with the first unfinished step.

use crate::OpenError;
use blocktree_state::{Batch, Fault, Ledger};

/// The format that this version of the program reads and writes.
pub(crate) const FORMAT: u32 = 1;

/// The steps from earlier formats, ascending. Append-only while their formats may be met.
const STEPS: &[Step] = &[];

/// The way from one format to the next.
pub(crate) struct Step {
    /// The format before; the one after is this plus 1.
    pub(crate) from: u32,
    /// Does the work and returns its last batch, which is written together with the record of the new
    /// format. What it writes itself before must be harmless to do again, since a crash repeats it.
    pub(crate) run: fn(&dyn Ledger) -> Result<Batch, Fault>,
}

/// A format, and the steps that lead to it.
#[derive(Clone, Copy)]
pub(crate) struct Formats {
    pub(crate) present: u32,
    pub(crate) steps: &'static [Step],
}

impl Formats {
    pub(crate) const PRESENT: Self = Self { present: FORMAT, steps: STEPS };

    /// The steps from the format `found` to the present one, in order.
    pub(crate) fn steps_from(&self, found: u32) -> Result<Vec<&'static Step>, OpenError> {
        if found > self.present {
            return Err(OpenError::NewerFormat { found, supported: self.present });
        }
        (found..self.present)
            .map(|from| self.steps.iter().find(|step| step.from == from))
            .collect::<Option<_>>()
            .ok_or(OpenError::OlderFormat { found, supported: self.present })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Identity, Store, open};
    use blocktree_primitives::BlockHash;
    use blocktree_state::{Column, Durability, Reader};
    use std::fs;
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn open_as(path: &Path, present: u32, steps: &'static [Step]) -> Result<Store, OpenError> {
        let chain = Identity { genesis: BlockHash([7; 32]), chain_name: "dev".into() };
        open::open(path, &chain, Formats { present, steps })
    }

    fn appended(ledger: &dyn Ledger, letter: u8) -> Result<Batch, Fault> {
        let mut value = ledger.get(Column::Meta, b"steps")?.unwrap_or_default();
        value.push(letter);
        let mut batch = Batch::new();
        batch.put(Column::Meta, b"steps", value);
        Ok(batch)
    }

    fn marker(path: &Path) -> String {
        fs::read_to_string(path.join("blocktree.json")).unwrap()
    }

    static DISK_IS_FULL: AtomicBool = AtomicBool::new(true);

    const TO_2: Step = Step { from: 1, run: |ledger| appended(ledger, b'a') };
    const TO_3: Step = Step {
        from: 2,
        run: |ledger| {
            if DISK_IS_FULL.load(Ordering::Relaxed) {
                return Err(Fault::DiskFull("in the second step".into()));
            }
            appended(ledger, b'b')
        },
    };

    #[test]
    fn steps_run_in_order_and_once_also_after_an_interruption() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let mut batch = Batch::new();
        batch.put(Column::State, b"key", b"value");
        open_as(path, 1, &[]).unwrap().write(batch, Durability::Process).unwrap();

        let failed = open_as(path, 3, &[TO_2, TO_3]).err();
        assert_eq!(failed, Some(OpenError::DiskFull("in the second step".into())));
        assert!(marker(path).contains("\"upgrading_from\": 1"), "{}", marker(path));
        // From now on no earlier version may open it.
        for (supported, steps) in [(1, &[] as &[Step]), (2, &[TO_2])] {
            let refused = open_as(path, supported, steps).err();
            assert_eq!(refused, Some(OpenError::NewerFormat { found: 3, supported }));
        }

        DISK_IS_FULL.store(false, Ordering::Relaxed);
        for _ in 0..2 {
            let store = open_as(path, 3, &[TO_2, TO_3]).unwrap();
            assert_eq!(store.get(Column::Meta, b"steps"), Ok(Some(b"ab".to_vec())));
            assert_eq!(store.get(Column::State, b"key"), Ok(Some(b"value".to_vec())));
            assert!(!marker(path).contains("upgrading_from"), "{}", marker(path));
        }
    }

    #[test]
    fn a_format_without_a_step_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        drop(open_as(path, 1, &[]).unwrap());
        let before = marker(path);
        // From 1 there is no step, though there is one from 2.
        let refused = open_as(path, 3, &[TO_3]).err().unwrap();
        assert_eq!(refused, OpenError::OlderFormat { found: 1, supported: 3 });
        assert!(refused.to_string().contains("format 1, which can't be upgraded to format 3"));
        assert_eq!(marker(path), before);
        drop(open_as(path, 1, &[]).unwrap());
    }

    #[test]
    fn the_present_steps_are_gapless_and_end_at_the_present_format() {
        let froms: Vec<u32> = STEPS.iter().map(|step| step.from).collect();
        let first = froms.first().copied().unwrap_or(FORMAT);
        assert_eq!(froms, (first..FORMAT).collect::<Vec<_>>());
    }
}
