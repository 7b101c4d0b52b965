//! Every domain of a tagged hash, in one place so that none is used twice
//! (docs/protocol.md §2).

use crate::hash::Tag;

/// `Principal = tagged(public key)`.
pub static PRINCIPAL: Tag = Tag::new("blocktree/principal");
/// Event id: `tagged(genesis hash || event without signature)`.
pub static EVENT: Tag = Tag::new("blocktree/event");
/// A provider's word to store a fragment.
pub static ACCEPTANCE: Tag = Tag::new("blocktree/acceptance");
/// A provider's word to store longer.
pub static EXTENSION: Tag = Tag::new("blocktree/extension");
/// An owner's pass for a payout.
pub static RECEIPT: Tag = Tag::new("blocktree/receipt");
/// Placement id: `tagged(offer id || fragment id)`.
pub static PLACEMENT: Tag = Tag::new("blocktree/placement");
/// Path of a logical key in the authenticated state.
pub static STATE_KEY: Tag = Tag::new("blocktree/key");
/// Leaf of the history mountain range.
pub static MMR_LEAF: Tag = Tag::new("blocktree/mmr-leaf");
/// Node of the history mountain range.
pub static MMR_NODE: Tag = Tag::new("blocktree/mmr-node");
/// Which fraction of a draw a block makes.
pub static DRAW_FRACTION: Tag = Tag::new("blocktree/draw-frac");
/// Which slot a draw hits.
pub static DRAW: Tag = Tag::new("blocktree/draw");
/// Which leaf a challenge asks for.
pub static LEAF: Tag = Tag::new("blocktree/leaf");
/// An owner's signature over a tree block's header.
pub static TREE_BLOCK: Tag = Tag::new("blocktree/tree-block");
/// Content hash of a tree block: over its header, which has the root of its payload.
pub static CONTENT: Tag = Tag::new("blocktree/content");
/// Identity of a chain's rules, the genesis header's parent field.
pub static CHAINSPEC: Tag = Tag::new("blocktree/chainspec");

#[cfg(test)]
mod tests {
    #[test]
    fn no_domain_is_used_twice() {
        let all = [
            &super::PRINCIPAL,
            &super::EVENT,
            &super::ACCEPTANCE,
            &super::EXTENSION,
            &super::RECEIPT,
            &super::PLACEMENT,
            &super::STATE_KEY,
            &super::MMR_LEAF,
            &super::MMR_NODE,
            &super::DRAW_FRACTION,
            &super::DRAW,
            &super::LEAF,
            &super::TREE_BLOCK,
            &super::CONTENT,
            &super::CHAINSPEC,
        ];
        let names: std::collections::BTreeSet<_> = all.iter().map(|tag| tag.name()).collect();
        assert_eq!(names.len(), all.len());
    }
}
