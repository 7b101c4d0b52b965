//! One test of the `Ledger` seam for every ledger: random sequences of batches, reads, snapshots and
//! restarts against a sorted map.

use blocktree_state::{Batch, Column, Durability, Ledger, MemoryLedger, Op, Reader};
use blocktree_store::Store;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a ledger should hold.
type Model = BTreeMap<(Column, Vec<u8>), Vec<u8>>;
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A ledger under test.
trait Subject {
    fn ledger(&self) -> &dyn Ledger;
    /// Ends and begins again; clean or as after a kill.
    fn restart(&mut self, clean: bool);
    fn compact(&self);
}

#[derive(Clone, Debug)]
enum Action {
    Write(Vec<(Column, Op)>, Durability),
    Get(Column, Vec<u8>),
    GetMany(Column, Vec<Vec<u8>>),
    Scan(Column, Vec<u8>, usize),
    Last(Column),
    Snapshot,
    Restart { clean: bool },
    Compact,
}

fn column() -> impl Strategy<Value = Column> {
    // One of each layout, and one more that shares a layout.
    prop::sample::select(vec![
        Column::State,
        Column::Pages,
        Column::Bodies,
        Column::Meta,
        Column::Undo,
    ])
}

/// Short keys from few bytes, so that they meet; the empty one and 0xff runs included.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(vec![0u8, 1, 0x7f, 0xff]), 0..4)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (key(), vec(any::<u8>(), 0..40)).prop_map(|(key, value)| Op::Put(key, value)),
        2 => key().prop_map(Op::Delete),
        // Ranges may be empty or run backwards: then they remove nothing.
        2 => (key(), key()).prop_map(|(from, to)| Op::DeleteRange(from, to)),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let durability = prop::sample::select(vec![Durability::Process, Durability::Synced]);
    prop_oneof![
        8 => (vec((column(), op()), 0..8), durability).prop_map(|(ops, d)| Action::Write(ops, d)),
        3 => (column(), key()).prop_map(|(column, key)| Action::Get(column, key)),
        2 => (column(), vec(key(), 0..6)).prop_map(|(column, keys)| Action::GetMany(column, keys)),
        3 => (column(), key(), 0usize..6).prop_map(|(c, from, count)| Action::Scan(c, from, count)),
        2 => column().prop_map(Action::Last),
        2 => Just(Action::Snapshot),
        1 => any::<bool>().prop_map(|clean| Action::Restart { clean }),
        1 => Just(Action::Compact),
    ]
}

fn apply(model: &mut Model, ops: &[(Column, Op)]) {
    for (column, op) in ops {
        match op.clone() {
            Op::Put(key, value) => {
                model.insert((*column, key), value);
            }
            Op::Delete(key) => {
                model.remove(&(*column, key));
            }
            Op::DeleteRange(from, to) => {
                model.retain(|(c, key), _| c != column || *key < from || *key >= to);
            }
        }
    }
}

fn batch(ops: &[(Column, Op)]) -> Batch {
    let mut batch = Batch::new();
    for (column, op) in ops.iter().cloned() {
        match op {
            Op::Put(key, value) => batch.put(column, key, value),
            Op::Delete(key) => batch.delete(column, key),
            Op::DeleteRange(from, to) => batch.delete_range(column, from, to),
        }
    }
    batch
}

fn expected(model: &Model, column: Column, from: &[u8]) -> Pairs {
    let entries = model.iter().filter(|((c, key), _)| *c == column && key.as_slice() >= from);
    entries.map(|((_, key), value)| (key.clone(), value.clone())).collect()
}

fn scanned(reader: &dyn Reader, column: Column, from: &[u8], count: usize) -> Pairs {
    let mut pairs = Pairs::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        pairs.push((key.to_vec(), value.to_vec()));
        if pairs.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    reader.scan(column, from, &mut visit).expect("scan");
    pairs
}

/// All columns, in every way of reading.
fn check_all(reader: &dyn Reader, model: &Model) {
    for column in Column::ALL {
        let pairs = expected(model, column, b"");
        assert_eq!(scanned(reader, column, b"", usize::MAX), pairs);
        assert_eq!(reader.last(column).expect("last"), pairs.last().cloned());
        let keys: Vec<&[u8]> = pairs.iter().map(|(key, _)| key.as_slice()).collect();
        let values: Vec<_> = pairs.iter().map(|(_, value)| Some(value.clone())).collect();
        assert_eq!(reader.get_many(column, &keys).expect("get_many"), values);
        // A visitor may read through the same reader.
        let mut visited = 0;
        let mut visit = |key: &[u8], value: &[u8]| {
            visited += 1;
            assert_eq!(reader.get(column, key).expect("get").as_deref(), Some(value));
            ControlFlow::Continue(())
        };
        reader.scan(column, b"", &mut visit).expect("scan");
        assert_eq!(visited, pairs.len());
    }
}

fn conformance(subject: &mut dyn Subject, actions: &[Action]) {
    let mut model = Model::new();
    let mut snapshots: Vec<(Arc<dyn Reader>, Model)> = Vec::new();
    for action in actions {
        let ledger = subject.ledger();
        match action {
            Action::Write(ops, durability) => {
                ledger.write(batch(ops), *durability).expect("write");
                apply(&mut model, ops);
            }
            Action::Get(column, key) => {
                let value = model.get(&(*column, key.clone())).cloned();
                assert_eq!(ledger.get(*column, key).expect("get"), value);
            }
            Action::GetMany(column, keys) => {
                let borrowed: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
                let values: Vec<_> =
                    keys.iter().map(|key| model.get(&(*column, key.clone())).cloned()).collect();
                assert_eq!(ledger.get_many(*column, &borrowed).expect("get_many"), values);
            }
            Action::Scan(column, from, count) => {
                // A visitor sees one pair before it can say stop.
                let count = (*count).max(1);
                let mut pairs = expected(&model, *column, from);
                pairs.truncate(count);
                assert_eq!(scanned(ledger, *column, from, count), pairs);
            }
            Action::Last(column) => {
                let last = expected(&model, *column, b"").pop();
                assert_eq!(ledger.last(*column).expect("last"), last);
            }
            Action::Snapshot => snapshots.push((ledger.snapshot(), model.clone())),
            Action::Restart { clean } => {
                for (snapshot, then) in snapshots.drain(..) {
                    check_all(&*snapshot, &then);
                }
                subject.restart(*clean);
                check_all(subject.ledger(), &model);
            }
            Action::Compact => subject.compact(),
        }
    }
    check_all(subject.ledger(), &model);
    for (snapshot, then) in &snapshots {
        check_all(&**snapshot, then);
    }
}

impl Subject for MemoryLedger {
    fn ledger(&self) -> &dyn Ledger {
        self
    }
    fn restart(&mut self, _clean: bool) {
        *self = self.fork();
    }
    fn compact(&self) {}
}

/// A store in a folder of its own.
struct OnDisk {
    store: Option<Store>,
    folder: tempfile::TempDir,
}

impl OnDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { store: Some(crate::open(folder.path())), folder }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("open between calls")
    }
}

impl Subject for OnDisk {
    fn ledger(&self) -> &dyn Ledger {
        self.store()
    }
    fn restart(&mut self, clean: bool) {
        if clean {
            self.store().flush().expect("flush");
        }
        self.store = None;
        self.store = Some(crate::open(self.folder.path()));
    }
    fn compact(&self) {
        self.store().compact().expect("compact");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn store_conforms(actions in vec(action(), 1..60)) {
        conformance(&mut OnDisk::new(), &actions);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn memory_conforms(actions in vec(action(), 1..60)) {
        conformance(&mut MemoryLedger::new(), &actions);
    }
}

/// More than one write buffer and one file a column, read while it is written.
#[test]
fn a_snapshot_outlives_its_store_and_many_flushes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = crate::open(folder.path());
    let value = |round: u32, i: u32| [round.to_be_bytes(), i.to_be_bytes()].concat().repeat(20);
    let write = |round: u32| {
        let mut batch = Batch::new();
        for i in 0..2_000u32 {
            batch.put(Column::State, i.to_be_bytes(), value(round, i));
        }
        store.write(batch, Durability::Process).expect("write");
    };
    write(0);
    let snapshot = store.snapshot();
    for round in 1..=5 {
        write(round);
        store.flush().expect("flush");
    }
    store.compact().expect("compact");
    assert_eq!(store.get(Column::State, &3u32.to_be_bytes()), Ok(Some(value(5, 3))));
    let stats = store.stats().expect("stats");
    let state = stats.columns.iter().find(|c| c.column == Column::State).expect("every column");
    // At least the snapshot's 2,000 values of 160 bytes and the present ones, less what LZ4 saves;
    // at most those with 100 bytes of overhead each.
    assert!(state.disk_bytes > 2_000 * 20 && state.disk_bytes < 4_000 * 260, "{state:?}");
    assert!(stats.disk_bytes > state.disk_bytes && stats.memory_bytes > 0, "{stats:?}");
    drop(store);
    assert_eq!(snapshot.get(Column::State, &3u32.to_be_bytes()), Ok(Some(value(0, 3))));
    assert_eq!(snapshot.last(Column::State).expect("last").expect("2,000 keys").1, value(0, 1_999));
}
