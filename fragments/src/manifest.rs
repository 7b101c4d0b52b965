//! The directory of a long file's segments: what its own tree block has as data
//! (docs/protocol.md §9.6; L25).

use blocktree_primitives::path::PathError;
use blocktree_primitives::{BlockPath, BoundedVec, ContentHash, DecodeError, Name, decode_exact};
use parity_scale_codec::{Decode, Encode};
use thiserror::Error;

use crate::segment::{FilePlan, MAX_SEGMENTS, SegmentError, SegmentSize};

/// The first byte of every manifest.
const FORMAT: u8 = 1;

/// Bytes of an encoded manifest at most: 1 + 8 + 4 + 4 + 65,536 · 40.
pub const MAX_MANIFEST: usize = 17 + MAX_SEGMENTS as usize * 40;

/// Why bytes or parts are not a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// No bytes at all.
    #[error("an empty manifest")]
    Empty,
    /// Of a format that this program does not know.
    #[error("a manifest of format {0}; {FORMAT} is known")]
    Format(u8),
    /// Not an encoding of a manifest.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
    /// Sizes that no file has.
    #[error(transparent)]
    Segments(#[from] SegmentError),
    /// A file that fits one segment has no manifest.
    #[error("a manifest for a file of one segment")]
    Single,
    /// Another number of segments than the sizes say.
    #[error("{found} segments where the sizes require {expected}")]
    Count {
        /// Segments that the file has.
        expected: u32,
        /// Segments listed.
        found: usize,
    },
}

/// One segment: the tree block at the file's path and the segment's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Segment {
    /// The tree block's version.
    pub version: u64,
    /// The tree block's content hash: whatever else is at the path is not the file.
    pub content_hash: ContentHash,
}

#[derive(Encode, Decode)]
struct Fields {
    file_size: u64,
    segment_size: u32,
    segments: BoundedVec<Segment, { MAX_SEGMENTS as usize }>,
}

/// A file's segments in their order: 2 to [`MAX_SEGMENTS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    plan: FilePlan,
    segments: Vec<Segment>,
}

impl Manifest {
    /// The manifest of the file that `plan` cuts into `segments`.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Single`], [`ManifestError::Count`].
    pub fn new(plan: FilePlan, segments: Vec<Segment>) -> Result<Self, ManifestError> {
        if plan.is_single() {
            return Err(ManifestError::Single);
        }
        if usize::try_from(plan.segments()) != Ok(segments.len()) {
            let (expected, found) = (plan.segments(), segments.len());
            return Err(ManifestError::Count { expected, found });
        }
        Ok(Self { plan, segments })
    }

    /// Reads a manifest, strictly.
    ///
    /// # Errors
    ///
    /// See [`ManifestError`]. More than [`MAX_MANIFEST`] bytes are not looked at.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let (&format, rest) = bytes.split_first().ok_or(ManifestError::Empty)?;
        if format != FORMAT {
            return Err(ManifestError::Format(format));
        }
        let fields: Fields = decode_exact(rest, MAX_MANIFEST - 1)?;
        let plan =
            FilePlan::new(fields.file_size, SegmentSize::new(u64::from(fields.segment_size))?)?;
        Self::new(plan, fields.segments.into_vec())
    }

    /// Its bytes: the data of the tree block at the file's path.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        self.plan.file_size().encode_to(&mut bytes);
        self.plan.segment_size().get().encode_to(&mut bytes);
        self.segments.encode_to(&mut bytes);
        bytes
    }

    /// Where the file is cut.
    #[must_use]
    pub const fn plan(&self) -> FilePlan {
        self.plan
    }

    /// The segments in their order.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

/// The path of segment `index` of the file at `path`: a name of 8 lower-case hex digits
/// below it.
///
/// # Errors
///
/// [`PathError::TooLong`].
pub fn segment_path(path: &BlockPath, index: u32) -> Result<BlockPath, PathError> {
    let mut names = path.names().to_vec();
    names.push(Name::new(&format!("{index:08x}"))?);
    BlockPath::new(path.root(), names)
}
