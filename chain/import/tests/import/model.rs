//! Fork choice and the memory of what was invalid, as simply as they can be said: the oracle of
//! the random tests. All blocks of the dev chain are the same work, so heights are compared.

use crate::support::{Flaw, Forge};
use blocktree_import::Imported;
use blocktree_primitives::BlockHash;
use std::collections::BTreeMap;

/// What the importer is to know of blocks, and its tip.
pub(crate) struct Model {
    pub(crate) tip: BlockHash,
    is_valid: BTreeMap<BlockHash, bool>,
}

/// What becomes of a block, less the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    NewTip { reverted: u64 },
    Side,
    Known,
    KnownInvalid,
    NotYet,
    Refused,
}

impl From<Imported> for Outcome {
    fn from(imported: Imported) -> Self {
        match imported {
            Imported::NewTip { reverted, .. } => Self::NewTip { reverted },
            Imported::Side(_) => Self::Side,
            Imported::Known(_) => Self::Known,
            Imported::KnownInvalid(_) => Self::KnownInvalid,
            Imported::NotYet(_) => Self::NotYet,
            Imported::Refused(_) => Self::Refused,
            Imported::TooLittleWork(_) => panic!("no branch of these tests is that short"),
        }
    }
}

const fn fails_at_the_fold(flaw: Flaw) -> bool {
    matches!(flaw, Flaw::StateRoot | Flaw::EventRefused)
}

impl Model {
    pub(crate) fn new(forge: &Forge) -> Self {
        Self { tip: forge.genesis, is_valid: BTreeMap::from([(forge.genesis, true)]) }
    }

    pub(crate) fn import(&mut self, forge: &Forge, hash: &BlockHash) -> Outcome {
        match self.is_valid.get(hash) {
            Some(false) => return Outcome::KnownInvalid,
            Some(true) if forge.height(hash) > forge.height(&self.tip) => {
                return self.go(forge, hash);
            }
            Some(true) => return Outcome::Known,
            None => {}
        }
        let parent = forge.parent(hash);
        match self.is_valid.get(&parent) {
            Some(true) => {}
            Some(false) => return Outcome::KnownInvalid,
            None => return Outcome::NotYet,
        }
        let flaw = forge.flaw(hash);
        match flaw {
            Flaw::Future => return Outcome::NotYet,
            Flaw::None | Flaw::StateRoot | Flaw::EventRefused => {}
            Flaw::Signature | Flaw::History | Flaw::Time => {
                self.is_valid.insert(*hash, false);
                return Outcome::Refused;
            }
        }
        let on_tip = parent == self.tip;
        if on_tip && fails_at_the_fold(flaw) {
            self.is_valid.insert(*hash, false);
            return Outcome::Refused;
        }
        self.is_valid.insert(*hash, true);
        if on_tip {
            self.tip = *hash;
            return Outcome::NewTip { reverted: 0 };
        }
        match forge.height(hash) > forge.height(&self.tip) {
            true => self.go(forge, hash),
            false => Outcome::Side,
        }
    }

    /// Takes blocks back as an operator does.
    pub(crate) fn revert(&mut self, forge: &Forge, count: u64) {
        for _ in 0..count.min(forge.height(&self.tip)) {
            self.tip = forge.parent(&self.tip);
        }
    }

    fn go(&mut self, forge: &Forge, target: &BlockHash) -> Outcome {
        let ours = forge.branch(&self.tip);
        let theirs = forge.branch(target);
        let shared = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
        let way = &theirs[shared..];
        // What is known to be invalid is not tried, and what is on top of it becomes known, too.
        if let Some(last) = way.iter().rposition(|hash| self.is_valid.get(hash) == Some(&false)) {
            for hash in &way[last..] {
                self.is_valid.insert(*hash, false);
            }
            return Outcome::KnownInvalid;
        }
        match way.iter().position(|hash| fails_at_the_fold(forge.flaw(hash))) {
            None => {
                self.tip = *target;
                Outcome::NewTip { reverted: (ours.len() - shared) as u64 }
            }
            Some(bad) => {
                for hash in &way[bad..] {
                    self.is_valid.insert(*hash, false);
                }
                let end = if bad == 0 { forge.parent(&way[0]) } else { way[bad - 1] };
                if forge.height(&end) > forge.height(&self.tip) {
                    self.tip = end;
                }
                Outcome::Refused
            }
        }
    }
}
