//! Roots and proofs of fragment files of any size, in bounded memory: the file is read once, in
//! pieces whose trees are whole subtrees of the fragment's.

use anyhow::{Context, Result, bail};
use blocktree_fragments::{Digest, FragmentTree, LEAF_SIZE, fragment_root, leaf_count};
use blocktree_hashing::merkle;
use pallet_storage::call::MAX_FRAGMENT_SIZE;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Bytes of a piece: 2^14 leaves, a power of two, so that every piece but the last is a whole
/// subtree.
const PIECE_LEN: usize = 4 << 20;

/// A fragment file as the ledger sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// The root of its tree.
    pub(crate) root: Digest,
    /// Its bytes.
    pub(crate) size: u64,
}

/// A leaf of a fragment file with its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Its fragment.
    pub(crate) fragment: Fragment,
    /// Its place.
    pub(crate) index: u64,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Its siblings, from the leaf up.
    pub(crate) siblings: Vec<Digest>,
}

/// Reads a fragment's root and size.
///
/// # Errors
/// When the file can't be read, is empty, or is larger than a fragment can be.
pub(crate) fn fragment(path: &Path) -> Result<Fragment> {
    Ok(read(path, None)?.0)
}

/// Reads a fragment's leaf with its path.
///
/// # Errors
/// As [`fragment`], and when the fragment has no such leaf.
pub(crate) fn leaf(path: &Path, index: u64) -> Result<Leaf> {
    let (fragment, found) = read(path, Some(index))?;
    let Some((bytes, siblings)) = found else {
        let count = leaf_count(fragment.size);
        bail!(
            "{} has {count} leaves, 0 to {}; there is no leaf {index}",
            path.display(),
            count - 1
        );
    };
    Ok(Leaf { fragment, index, bytes, siblings })
}

type Found = Option<(Vec<u8>, Vec<Digest>)>;

fn read(path: &Path, wanted: Option<u64>) -> Result<(Fragment, Found)> {
    let reading = || format!("can't read the fragment {}", path.display());
    let mut file = File::open(path).with_context(reading)?;
    let mut buffer = vec![0; PIECE_LEN];
    let (mut size, mut roots, mut found) = (0u64, Vec::new(), None);
    loop {
        let len = fill(&mut file, &mut buffer).with_context(reading)?;
        let piece = buffer.get(..len).unwrap_or_default();
        if piece.is_empty() {
            break;
        }
        let first = size / LEAF_SIZE as u64;
        size = size.saturating_add(len as u64);
        if size > MAX_FRAGMENT_SIZE {
            bail!("{} has more than 1 TiB, more than a fragment can have", path.display());
        }
        let inside = wanted
            .and_then(|index| index.checked_sub(first))
            .filter(|inside| *inside < leaf_count(len as u64));
        match inside {
            None => roots.push(fragment_root(piece)?),
            Some(inside) => {
                let tree = FragmentTree::build(piece)?;
                let at = usize::try_from(inside)?.saturating_mul(LEAF_SIZE);
                let bytes = piece.get(at..).unwrap_or_default();
                let bytes = bytes.get(..LEAF_SIZE).unwrap_or(bytes).to_vec();
                found = Some((roots.len(), bytes, tree.prove(inside)?.siblings));
                roots.push(tree.root());
            }
        }
        if len < PIECE_LEN {
            break;
        }
    }
    let mut at = found.as_ref().map_or(0, |(piece, ..)| *piece);
    let mut above = Vec::new();
    while roots.len() > 1 {
        above.extend(roots.get(at ^ 1).copied());
        at /= 2;
        roots = roots
            .chunks(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(merkle::node_hash(left, right)),
                // An odd last node goes up unchanged.
                [odd] => Some(*odd),
                _ => None,
            })
            .collect();
    }
    let Some(root) = roots.first().copied() else {
        bail!("{} is empty: a fragment has at least one byte", path.display());
    };
    let found = found.map(|(_, bytes, mut siblings)| {
        siblings.extend(above);
        (bytes, siblings)
    });
    Ok((Fragment { root, size }, found))
}

/// Fills the buffer as far as the file goes.
fn fill(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut len = 0;
    while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => len = len.saturating_add(read),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use blocktree_fragments::verify_leaf;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|i| u8::try_from(i * 31 % 251).unwrap()).collect()
    }

    /// Against the tree over the whole fragment at once, round the edges of pieces and leaves.
    #[test]
    fn pieces_give_the_tree_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fragment");
        for len in [1, 256, 257, PIECE_LEN - 1, PIECE_LEN, PIECE_LEN + 1, 3 * PIECE_LEN + 700] {
            let data = bytes(len);
            std::fs::write(&path, &data).unwrap();
            let whole = FragmentTree::build(&data).unwrap();
            let count = whole.count();
            let expected = Fragment { root: whole.root(), size: data.len() as u64 };
            assert_eq!(fragment(&path).unwrap(), expected, "{len} bytes");
            // The first leaf of the second piece among them.
            for index in [0, count / 2, count - 1, (1 << 14).min(count - 1)] {
                let leaf = leaf(&path, index).unwrap();
                assert_eq!(leaf.siblings, whole.prove(index).unwrap().siblings, "{len}, {index}");
                let size = leaf.fragment.size;
                verify_leaf(&leaf.fragment.root, size, index, &leaf.bytes, &leaf.siblings).unwrap();
            }
            let outside = leaf(&path, count).unwrap_err().to_string();
            assert!(outside.contains("there is no leaf"), "{outside}");
        }
    }

    #[test]
    fn what_is_no_fragment_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fragment");
        assert!(format!("{:#}", fragment(&path).unwrap_err()).contains("can't read"));
        std::fs::write(&path, "").unwrap();
        assert!(fragment(&path).unwrap_err().to_string().contains("is empty"));
    }
}
