//! From a tree block to sealed fragments, a stripe at a time (docs/protocol.md §9.4, §9.5).

use blocktree_primitives::{FragmentRoot, Principal};
use thiserror::Error;

use crate::code::{CodeError, Codec, FragmentId, MAX_FRAGMENTS, RaptorQ, ReedSolomon};
use crate::header::Header;
use crate::key::SealSecret;
use crate::seal::Seal;
use crate::tree::RootBuilder;
use crate::tree_block::TreeBlock;

/// A fragment that is to be made, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which fragment.
    pub id: FragmentId,
    /// The principal of the provider.
    pub provider: Principal,
}

/// Why fragments could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// None, or more than [`MAX_FRAGMENTS`] at once.
    #[error("{0} fragments at once; 1 to {MAX_FRAGMENTS} allowed")]
    Count(usize),
    /// A fragment that the code does not have.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// One fragment for two providers: whoever has both could keep one.
    #[error("{0} twice")]
    Repeated(FragmentId),
}

/// A fragment as its provider stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFragment {
    /// Which fragment, and whose.
    pub target: Target,
    /// The root that the placement has.
    pub root: FragmentRoot,
    /// Header and sealed symbols.
    pub bytes: Vec<u8>,
}

enum Coder {
    RaptorQ(RaptorQ),
    ReedSolomon(ReedSolomon),
}

/// What goes on for each fragment from stripe to stripe.
struct Lane {
    seal: Seal,
    root: RootBuilder,
}

/// Makes the fragments of one block, all of them a stripe at a time: besides the block it
/// holds one stripe of each fragment and some 16 KiB for its root.
pub struct FragmentEncoder<'a> {
    block: &'a TreeBlock,
    coder: Coder,
    lanes: Vec<Lane>,
    stripe: usize,
    /// The last stripe, with its padding.
    padded: Vec<u8>,
    /// One symbol for each lane.
    symbols: Vec<u8>,
}

impl<'a> FragmentEncoder<'a> {
    /// Begins with `targets`, whose order the symbols of each stripe have.
    ///
    /// # Errors
    ///
    /// See [`EncodeError`].
    pub fn new(
        block: &'a TreeBlock,
        secret: &SealSecret,
        targets: &[Target],
    ) -> Result<Self, EncodeError> {
        if targets.is_empty() || targets.len() > usize::from(MAX_FRAGMENTS) {
            return Err(EncodeError::Count(targets.len()));
        }
        let header = block.header();
        for (index, target) in targets.iter().enumerate() {
            header.code().check_id(target.id)?;
            if targets.iter().take(index).any(|earlier| earlier.id == target.id) {
                return Err(EncodeError::Repeated(target.id));
            }
        }
        let layout = header.layout();
        let ids: Vec<FragmentId> = targets.iter().map(|target| target.id).collect();
        let coder = match header.code().codec() {
            Codec::RaptorQ => Coder::RaptorQ(RaptorQ::new(layout, &ids)),
            Codec::ReedSolomon => Coder::ReedSolomon(ReedSolomon::new(layout, &ids)),
        };
        let lane = |target: &Target| {
            let mut root = RootBuilder::new();
            root.update(header.bytes());
            let seal =
                Seal::new(secret, header.path(), header.version(), target.id, &target.provider);
            Lane { seal, root }
        };
        Ok(Self {
            block,
            coder,
            lanes: targets.iter().map(lane).collect(),
            stripe: 0,
            padded: Vec::new(),
            symbols: vec![0; targets.len() * layout.symbol()],
        })
    }

    /// The first bytes of every fragment.
    #[must_use]
    pub fn header(&self) -> &Header {
        self.block.header()
    }

    /// The next bytes of every fragment: for each target in its order one sealed symbol, of
    /// [`Layout::symbol`](crate::Layout::symbol) bytes. None: there are no more.
    pub fn next_stripe(&mut self) -> Option<core::slice::ChunksExact<'_, u8>> {
        let layout = self.block.header().layout();
        if self.stripe >= layout.stripes() {
            return None;
        }
        let payload = self.block.payload();
        let rest = payload.get(self.stripe * layout.stripe()..).unwrap_or_default();
        let stripe = match rest.get(..layout.stripe()) {
            Some(stripe) => stripe,
            None => {
                self.padded = rest.to_vec();
                self.padded.resize(layout.stripe(), 0);
                &self.padded
            }
        };
        match &mut self.coder {
            Coder::RaptorQ(coder) => coder.encode(stripe, &mut self.symbols),
            Coder::ReedSolomon(coder) => coder.encode(stripe, &mut self.symbols),
        }
        let symbols = self.symbols.chunks_exact_mut(layout.symbol());
        for (lane, symbol) in self.lanes.iter_mut().zip(symbols) {
            lane.seal.apply(symbol);
            lane.root.update(symbol);
        }
        self.stripe += 1;
        Some(self.symbols.chunks_exact(layout.symbol()))
    }

    /// The fragments' roots, in the order of the targets. Makes the stripes that are left,
    /// so a root is always that of the whole fragment.
    #[must_use]
    pub fn finish(mut self) -> Vec<FragmentRoot> {
        while self.next_stripe().is_some() {}
        let roots = self.lanes.into_iter().map(|lane| lane.root.finish());
        roots.map(|root| FragmentRoot(root.expect("a fragment has a header"))).collect()
    }
}

/// Makes whole fragments: in memory are the block and all of them.
///
/// # Errors
///
/// See [`EncodeError`].
pub fn encode_fragments(
    block: &TreeBlock,
    secret: &SealSecret,
    targets: &[Target],
) -> Result<Vec<SealedFragment>, EncodeError> {
    let mut encoder = FragmentEncoder::new(block, secret, targets)?;
    let header = block.header();
    let size = header.bytes().len() + header.layout().body();
    let mut all: Vec<Vec<u8>> = targets
        .iter()
        .map(|_| {
            let mut bytes = Vec::with_capacity(size);
            bytes.extend_from_slice(header.bytes());
            bytes
        })
        .collect();
    while let Some(symbols) = encoder.next_stripe() {
        for (bytes, symbol) in all.iter_mut().zip(symbols) {
            bytes.extend_from_slice(symbol);
        }
    }
    let fragments = targets.iter().zip(encoder.finish()).zip(all);
    Ok(fragments
        .map(|((target, root), bytes)| SealedFragment { target: *target, root, bytes })
        .collect())
}
