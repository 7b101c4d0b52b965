//! A map beside its oracle, changed by paths given directly, so that tests choose which bits paths
//! share.

use super::oracle::{self, Hash, Leaves, sha256};
use crate::auth::map::{AuthMap, Limits};
use crate::auth::page::{JOIN_UP_TO, MOST_LEAVES};
use crate::auth::spread::{Inline, Spread};
use crate::auth::top::{Child, Link};
use crate::auth::updates::{Expect, Update, Updates};
use crate::{Batch, Delta, Durability, Ledger, MemoryLedger};
use std::collections::BTreeMap;

/// No cache but what waits for a checkpoint, and every checkpoint on demand.
pub(super) const NO_CACHE: Limits =
    Limits { cache_bytes: 0, dirty_bytes: usize::MAX, journal_keys: usize::MAX };

pub(super) struct Pair {
    pub(super) map: AuthMap,
    pub(super) ledger: MemoryLedger,
    pub(super) oracle: Leaves,
}

/// A small generator (xorshift64*), so that every failure can be replayed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound
    }

    pub(super) fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }

    pub(super) fn byte(&mut self, bound: u64) -> u8 {
        u8::try_from(self.below(bound)).unwrap()
    }

    pub(super) fn hash(&mut self) -> Hash {
        sha256(&self.next().to_le_bytes())
    }
}

impl Pair {
    pub(super) fn new(limits: Limits) -> Self {
        let ledger = MemoryLedger::new();
        Self { map: AuthMap::open(&ledger, limits).unwrap(), ledger, oracle: Leaves::new() }
    }

    /// Sets (or removes) leaves, and compares.
    pub(super) fn change(&mut self, changes: &BTreeMap<Hash, Option<Hash>>) {
        self.change_by(changes, &Inline);
    }

    pub(super) fn change_by(
        &mut self,
        changes: &BTreeMap<Hash, Option<Hash>>,
        spread: &dyn Spread,
    ) {
        let updates: Vec<Update> = changes
            .iter()
            .map(|(path, value_hash)| Update {
                path: *path,
                value_hash: *value_hash,
                expect: if self.oracle.contains_key(path) {
                    Expect::Present
                } else {
                    Expect::Absent
                },
            })
            .collect();
        let (root, usage) = (self.map.root(), self.map.usage());
        let staged = self.map.stage_updates(&self.ledger, &Updates::new(updates), spread).unwrap();
        assert_eq!(self.map.root(), root, "staging changes nothing");
        assert_eq!(self.map.usage(), usage);
        let promised = staged.root();
        self.journal_nothing();
        assert_eq!(self.map.commit(staged), Ok(promised));
        for (path, value_hash) in changes {
            match value_hash {
                Some(value_hash) => self.oracle.insert(*path, *value_hash),
                None => self.oracle.remove(path),
            };
        }
        assert_eq!(self.map.root().0, oracle::root(&self.oracle));
    }

    fn journal_nothing(&self) {
        let mut batch = Batch::new();
        self.map.journal(&Delta::default(), &mut batch);
        self.ledger.write(batch, Durability::Process).unwrap();
    }

    pub(super) fn checkpoint(&mut self) {
        self.map.checkpoint(&self.ledger).unwrap();
    }

    pub(super) fn reopen(&mut self) {
        self.map = AuthMap::open(&self.ledger, self.map.limits).unwrap();
        assert_eq!(self.map.root().0, oracle::root(&self.oracle));
    }

    /// Every rule about the shape of the tree in memory, and every hash that is kept in it.
    pub(super) fn audit(&self) {
        let mut seen = Seen::default();
        self.audit_beneath(self.map.top.root, &mut Vec::new(), &mut seen);
        let usage = self.map.usage();
        assert_eq!(usage.keys, self.oracle.len() as u64);
        assert_eq!((usage.nodes, usage.pages), (seen.nodes, seen.pages), "nothing leaks");
        assert_eq!(usage.cached_pages, seen.cached);
    }

    fn audit_beneath(&self, link: Link, prefix: &mut Vec<bool>, seen: &mut Seen) {
        let within = |path: &Hash| {
            let bits = prefix.iter().enumerate();
            bits.into_iter().all(|(i, bit)| (path[i / 8] << (i % 8) & 0x80 != 0) == *bit)
        };
        let leaves: Leaves = self
            .oracle
            .iter()
            .filter(|(path, _)| within(path))
            .map(|(path, hash)| (*path, *hash))
            .collect();
        match link.child {
            Child::Empty => assert!(leaves.is_empty()),
            Child::Page(id) => {
                seen.pages += 1;
                let entry = self.map.top.page(id);
                assert_eq!(usize::from(entry.depth), prefix.len());
                assert_eq!(entry.count as usize, leaves.len());
                assert!((1..=MOST_LEAVES).contains(&leaves.len()));
                assert_eq!(
                    oracle::subtree(&leaves.iter().collect::<Vec<_>>(), prefix.len()),
                    link.hash
                );
                if let Some(page) = entry.page() {
                    seen.cached += 1;
                    let pairs = page.leaves().map(|leaf| (leaf.path, leaf.value_hash));
                    assert!(pairs.eq(leaves));
                    page.check_branches();
                }
            }
            Child::Node(id) => {
                seen.nodes += 1;
                assert!(leaves.len() > JOIN_UP_TO, "few leaves are in one page");
                let [left, right] = self.map.top.node(id);
                let node = sha256(&[&[1], [left.hash, right.hash].as_flattened()].concat());
                assert_eq!(link.hash, node);
                for (link, side) in [(left, false), (right, true)] {
                    prefix.push(side);
                    self.audit_beneath(link, prefix, seen);
                    prefix.pop();
                }
            }
        }
    }
}

#[derive(Default)]
struct Seen {
    nodes: usize,
    pages: usize,
    cached: usize,
}
