//! Making proofs.

use super::bits::bit;
use super::disk;
use super::load::{self, Wanted};
use super::map::AuthMap;
use super::page::Leaf;
use super::proof::{MAX_KEY_BYTES, OtherLeaf, Proof};
use super::stage::KEY;
use super::top::Child;
use crate::{Column, Fault, Reader};
use blocktree_hashing::{Digest, hash};
use blocktree_primitives::{BoundedBytes, BoundedVec};

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// No logical key is as long as this.
    #[error("a key of {0} bytes, at most {MAX_KEY_BYTES} allowed")]
    KeyTooLong(usize),
    /// The reader is not at the moment of the map: take both anew.
    #[error("the map and the state were read at different moments")]
    Stale,
    /// Our disk failed, or a bug of ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl AuthMap {
    /// A proof of what `key` is in the state with this map's [`root`](Self::root): its value, or
    /// its absence. `reader` is a snapshot taken while the map was held, so that both are of one
    /// moment. Pages that are read for it are not kept.
    ///
    /// # Errors
    /// See [`ProveError`].
    pub fn prove(&self, reader: &dyn Reader, key: &[u8]) -> Result<Proof, ProveError> {
        let too_long = |_| ProveError::KeyTooLong(key.len());
        let proved = BoundedBytes::try_from(key.to_vec()).map_err(too_long)?;
        let value = reader.get(Column::State, key)?;
        let path = KEY.hash(key);
        let (mut siblings, end) = self.walk(reader, &path)?;
        siblings.reverse();
        let (found, other) = match end {
            Some(leaf) if leaf.path == path => (Some(leaf.value_hash), None),
            other => (None, other),
        };
        if found != value.as_deref().map(hash) {
            return Err(ProveError::Stale);
        }
        let other = other.map(|leaf| OtherLeaf { path: leaf.path, value_hash: leaf.value_hash });
        let oversize = |_| Fault::Bug("a value in the state is too long for a proof".into());
        Ok(Proof {
            key: proved,
            value: value.map(BoundedBytes::try_from).transpose().map_err(oversize)?,
            // One for each bit of the path that was walked.
            siblings: BoundedVec::try_from(siblings)
                .map_err(|_| Fault::Bug("a way of more than 256 bits".into()))?,
            other,
        })
    }

    /// The siblings beside the way to `path`, from the root down, and the leaf at its end.
    pub(super) fn walk(
        &self,
        reader: &dyn Reader,
        path: &Digest,
    ) -> Result<(Vec<Option<Digest>>, Option<Leaf>), ProveError> {
        let mut siblings = Vec::new();
        let mut link = self.top.root;
        while let Child::Node(id) = link.child {
            let [left, right] = self.top.node(id);
            let one = bit(path, siblings.len());
            let (next, other) = if one { (right, left) } else { (left, right) };
            siblings.push((other.child != Child::Empty).then_some(other.hash));
            link = next;
        }
        let Child::Page(page) = link.child else {
            return Ok((siblings, None));
        };
        let depth = siblings.len();
        if let Some(page) = self.top.page(page).page() {
            let end = page.walk(path, depth, &mut siblings);
            return Ok((siblings, end));
        }
        // A page that a later checkpoint wrote is not damaged.
        if disk::covered(reader)? != self.covered {
            return Err(ProveError::Stale);
        }
        let wanted = Wanted { page, hash: link.hash, path: *path };
        let pages = load::load(&self.top, reader, &[wanted])?;
        let end = pages.first().and_then(|page| page.walk(path, depth, &mut siblings));
        Ok((siblings, end))
    }
}
