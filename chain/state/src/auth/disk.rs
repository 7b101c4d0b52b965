//! The map on disk: pages, their index, the journal, and how one map is made of them again.
//!
//! - `Pages`: [prefix](super::bits::page_key) → leaves ([`super::page::Page::encode`]).
//! - `PageIndex`: the same key → SCALE of [`Indexed`].
//! - `MapJournal`: sequence number (u64, big-endian) → SCALE `Vec<Vec<u8>>`, the logical keys that
//!   one commit changed.
//! - `Meta`, key `auth_map` → SCALE of [`Marker`]; absent before the first checkpoint, which means
//!   an empty map and all of the journal.
//!
//! All of it can be made of the flat state again, so the pages may lag behind it: a page holds the
//! truth but for keys that are in the journal. Those are read from the flat state when the map is
//! opened. It does not matter which of the changes a page has seen, nor what lies between (blocks
//! that were reverted): a key's leaf is what the flat state says in the end.

use super::bits::{bit, from_page_key, page_key};
use super::map::{AuthMap, Limits};
use super::schedule::NODE;
use super::spread::Inline;
use super::stage::pairs_to_updates;
use super::top::{Child, Link, Top};
use super::updates::Expect;
use super::updates::Updates;
use crate::{Batch, Column, Delta, Durability, Fault, Ledger, Reader};
use blocktree_hashing::{Digest, hash_pair};
use core::ops::ControlFlow;
use parity_scale_codec::{Decode, Encode};
use std::collections::BTreeSet;

/// Key of the [`Marker`].
const MARKER: &[u8] = b"auth_map";
/// The layout of this file.
const VERSION: u8 = 1;
/// Keys that are read again together.
const CHUNK: usize = 1 << 13;
/// Pairs that go into a new map together.
const REBUILD_CHUNK: usize = 1 << 16;

/// What the last checkpoint left.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Marker {
    /// [`VERSION`].
    version: u8,
    /// Whether the checkpoint is of a whole map, not of one that is being rebuilt.
    whole: bool,
    /// The first journal entry that it does not cover.
    next: u64,
    /// The root of the map as it is in the pages.
    root: Digest,
}

/// What the index says of a page.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Indexed {
    /// Hash of its subtree.
    hash: Digest,
    /// Number of its leaves.
    count: u32,
}

fn corrupt(what: impl core::fmt::Display) -> Fault {
    Fault::Corrupt(format!("the authenticated map: {what}"))
}

fn decode<T: Decode>(mut bytes: &[u8], what: &str) -> Result<T, Fault> {
    let value = T::decode(&mut bytes).map_err(|e| corrupt(format_args!("{what}: {e}")))?;
    if bytes.is_empty() {
        Ok(value)
    } else {
        Err(corrupt(format_args!("{what} has bytes left over")))
    }
}

fn marker(reader: &dyn Reader) -> Result<Marker, Fault> {
    let Some(bytes) = reader.get(Column::Meta, MARKER)? else {
        return Ok(Marker { version: VERSION, whole: true, next: 0, root: [0; 32] });
    };
    if bytes.first() != Some(&VERSION) {
        return Err(corrupt("it was written by another version"));
    }
    decode(&bytes, "its marker")
}

/// The first journal entry that is not in the pages that `reader` sees.
pub(super) fn covered(reader: &dyn Reader) -> Result<u64, Fault> {
    Ok(marker(reader)?.next)
}

pub(super) fn open(reader: &dyn Reader, limits: Limits) -> Result<AuthMap, Fault> {
    let marker = marker(reader)?;
    if !marker.whole {
        return Err(corrupt("it was not rebuilt to its end"));
    }
    let mut map = AuthMap::new(limits);
    load_index(&mut map.top, reader)?;
    if map.root().0 != marker.root {
        return Err(corrupt("its index has another root than was written"));
    }
    map.covered = marker.next;
    let (keys, next) = read_journal(reader, marker.next)?;
    catch_up(&mut map, reader, &keys)?;
    map.next = next;
    map.journal_keys = keys.len().max(usize::try_from(next - marker.next).unwrap_or(usize::MAX));
    Ok(map)
}

/// Makes the nodes above the pages out of the index, which has them in the order of their paths.
fn load_index(top: &mut Top, reader: &dyn Reader) -> Result<(), Fault> {
    let mut pages: Vec<(Digest, Link)> = Vec::new();
    let mut fault = None;
    reader.scan(Column::PageIndex, &[], &mut |key, value| {
        let page = from_page_key(key)
            .ok_or_else(|| corrupt("a key of its index"))
            .and_then(|place| Ok((place, decode::<Indexed>(value, "an entry of its index")?)));
        match page {
            Ok(((path, depth), Indexed { hash, count })) => {
                let child = Child::Page(top.put_stored_page(depth, count));
                pages.push((path, Link { child, hash }));
                ControlFlow::Continue(())
            }
            Err(found) => {
                fault = Some(found);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    top.root = above(top, &pages, 0)?;
    Ok(())
}

/// The subtree of pages that share the first `depth` bits.
fn above(top: &mut Top, pages: &[(Digest, Link)], depth: usize) -> Result<Link, Fault> {
    if pages.is_empty() {
        return Ok(Link::EMPTY);
    }
    let below = |link: &Link| match link.child {
        Child::Page(id) => usize::from(top.page(id).depth).checked_sub(depth),
        Child::Empty | Child::Node(_) => None,
    };
    match pages {
        [(_, link)] if below(link) == Some(0) => return Ok(*link),
        _ if pages.iter().all(|(_, link)| below(link).is_some_and(|below| below > 0)) => {}
        _ => return Err(corrupt("its index has pages within pages")),
    }
    let (left, right) = pages.split_at(pages.partition_point(|(path, _)| !bit(path, depth)));
    let left = above(top, left, depth + 1)?;
    let right = above(top, right, depth + 1)?;
    let hash = hash_pair(NODE, &left.hash, &right.hash);
    Ok(Link { child: Child::Node(top.put_node(None, [left, right])), hash })
}

/// The keys of all journal entries from `first` on, which are to be without a gap, and the number
/// of the entry that comes next.
fn read_journal(reader: &dyn Reader, first: u64) -> Result<(BTreeSet<Vec<u8>>, u64), Fault> {
    let mut keys = BTreeSet::new();
    let mut next = first;
    let mut fault = None;
    // From the beginning: an entry that a checkpoint covers and has not dropped is damage too.
    reader.scan(Column::MapJournal, &[], &mut |key, value| {
        if key != next.to_be_bytes() {
            fault = Some(corrupt(format_args!("journal entry {next} is missing")));
            return ControlFlow::Break(());
        }
        match decode::<Vec<Vec<u8>>>(value, "a journal entry") {
            Ok(changed) => {
                keys.extend(changed);
                next += 1;
                ControlFlow::Continue(())
            }
            Err(found) => {
                fault = Some(found);
                ControlFlow::Break(())
            }
        }
    })?;
    fault.map_or(Ok((keys, next)), Err)
}

/// Brings the leaves of `keys` to what the flat state says.
fn catch_up(map: &mut AuthMap, reader: &dyn Reader, keys: &BTreeSet<Vec<u8>>) -> Result<(), Fault> {
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    for keys in keys.chunks(CHUNK) {
        let values = reader.get_many(Column::State, keys)?;
        put_all(map, reader, keys.iter().copied().zip(values.iter().map(Option::as_deref)))?;
    }
    Ok(())
}

fn put_all<'k>(
    map: &mut AuthMap,
    reader: &dyn Reader,
    pairs: impl Iterator<Item = (&'k [u8], Option<&'k [u8]>)>,
) -> Result<(), Fault> {
    let pairs = pairs.map(|(key, value)| (key, value, Expect::Anything));
    let updates = Updates::new(pairs_to_updates(pairs));
    let staged = map.stage_updates(reader, &updates, &Inline)?;
    map.commit(staged)?;
    Ok(())
}

pub(super) fn journal(number: u64, delta: &Delta, batch: &mut Batch) {
    let keys: Vec<&[u8]> = delta.iter().map(|(key, _)| key).collect();
    batch.put(Column::MapJournal, number.to_be_bytes(), keys.encode());
}

pub(super) fn checkpoint(map: &mut AuthMap, ledger: &dyn Ledger) -> Result<(), Fault> {
    if map.next == map.covered && map.top.dirty_bytes() == 0 {
        return Ok(());
    }
    if map.next != map.covered {
        let last = ledger.last(Column::MapJournal)?.map(|(key, _)| key);
        if last.as_deref() != Some(&(map.next - 1).to_be_bytes()[..]) {
            return Err(Fault::Bug(
                "a checkpoint of the authenticated map before its changes were written".into(),
            ));
        }
    }
    let mut batch = changes(map, true);
    batch.delete_range(Column::MapJournal, 0u64.to_be_bytes(), map.next.to_be_bytes());
    ledger.write(batch, Durability::Process)?;
    map.covered = map.next;
    map.journal_keys = 0;
    written(map);
    Ok(())
}

/// What differs from the pages on disk.
fn changes(map: &AuthMap, whole: bool) -> Batch {
    let mut batch = Batch::new();
    for key in map.top.stale() {
        batch.delete(Column::Pages, key.clone());
        batch.delete(Column::PageIndex, key.clone());
    }
    for (entry, hash) in map.top.dirty() {
        // What is to be written is in memory, and has leaves.
        let Some(page) = entry.page().filter(|page| page.len() > 0) else {
            continue;
        };
        let key = page_key(&page.leaf(0).path, entry.depth);
        batch.put(Column::Pages, key.clone(), page.encode());
        batch.put(Column::PageIndex, key, Indexed { hash, count: entry.count }.encode());
    }
    let marker = Marker { version: VERSION, whole, next: map.next, root: map.root().0 };
    batch.put(Column::Meta, MARKER, marker.encode());
    batch
}

fn written(map: &mut AuthMap) {
    map.top.set_clean();
    map.top.evict(map.limits.cache_bytes);
    // What was staged may name pages that are not in memory any more.
    map.generation += 1;
}

pub(super) fn rebuild(ledger: &dyn Ledger, limits: Limits) -> Result<AuthMap, Fault> {
    let mut map = AuthMap::new(limits);
    // First of all take note that what is there is no map, in case this is interrupted.
    let mut batch = changes(&map, false);
    for column in [Column::Pages, Column::PageIndex, Column::MapJournal] {
        // Above all keys: those of pages have at most 33 bytes, those of the journal 8.
        batch.delete_range(column, Vec::new(), vec![0xff; 40]);
    }
    ledger.write(batch, Durability::Process)?;

    let mut from = Vec::new();
    loop {
        let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        ledger.scan(Column::State, &from, &mut |key, value| {
            pairs.push((key.to_vec(), value.to_vec()));
            if pairs.len() < REBUILD_CHUNK {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        let Some((last, _)) = pairs.last() else {
            break;
        };
        from.clone_from(last);
        from.push(0);
        put_all(
            &mut map,
            ledger,
            pairs.iter().map(|(key, value)| (key.as_slice(), Some(value.as_slice()))),
        )?;
        if map.top.dirty_bytes() >= limits.dirty_bytes {
            ledger.write(changes(&map, false), Durability::Process)?;
            written(&mut map);
        }
    }
    (map.next, map.covered, map.journal_keys) = (0, 0, 0);
    ledger.write(changes(&map, true), Durability::Process)?;
    written(&mut map);
    Ok(map)
}
