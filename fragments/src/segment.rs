//! How a file becomes tree blocks: one if it fits, else a directory of segments
//! (docs/protocol.md §9.6; L25).
//!
//! Only arithmetic: whoever has the file reads one range after the other, so no more than
//! the segments at work are ever in memory.

use core::ops::Range;

use thiserror::Error;

/// Bytes of data in one tree block at most: 512 MiB.
pub const MAX_SEGMENT: u64 = 512 << 20;

/// Bytes that a real name and the authentication tag add to a block's data at most.
pub const PAYLOAD_OVERHEAD: u64 = 255 + 1 + 16;

/// Bytes of a payload, as it is coded, at most.
pub const MAX_PAYLOAD: u64 = MAX_SEGMENT + PAYLOAD_OVERHEAD;

/// Segments of one file at most; of 32 MiB each, 2 TiB.
pub const MAX_SEGMENTS: u32 = 65_536;

/// A segment size or a file that there is no plan for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SegmentError {
    /// A size of no bytes, or above [`MAX_SEGMENT`].
    #[error("segments of {0} bytes; 1 to {MAX_SEGMENT} allowed")]
    Size(u64),
    /// More segments than a manifest holds.
    #[error("{file_size} bytes make {segments} segments of {segment_size}, {MAX_SEGMENTS} allowed")]
    TooMany {
        /// The file's bytes.
        file_size: u64,
        /// Bytes of a segment.
        segment_size: SegmentSize,
        /// Segments needed.
        segments: u64,
    },
}

/// Bytes of every segment of a file but the last: 1 to [`MAX_SEGMENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentSize(u32);

impl SegmentSize {
    /// 32 MiB.
    pub const DEFAULT: Self = Self(32 << 20);

    /// A segment size.
    ///
    /// # Errors
    ///
    /// [`SegmentError::Size`].
    pub fn new(bytes: u64) -> Result<Self, SegmentError> {
        match u32::try_from(bytes) {
            Ok(size @ 1..) if bytes <= MAX_SEGMENT => Ok(Self(size)),
            _ => Err(SegmentError::Size(bytes)),
        }
    }

    /// Its bytes.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for SegmentSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl core::fmt::Display for SegmentSize {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a file is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePlan {
    file_size: u64,
    segment_size: SegmentSize,
    segments: u32,
}

impl FilePlan {
    /// The plan of a file of `file_size` bytes. An empty file has one segment, too.
    ///
    /// # Errors
    ///
    /// [`SegmentError::TooMany`].
    pub fn new(file_size: u64, segment_size: SegmentSize) -> Result<Self, SegmentError> {
        let segments = file_size.div_ceil(u64::from(segment_size.0)).max(1);
        match u32::try_from(segments) {
            Ok(segments @ ..=MAX_SEGMENTS) => Ok(Self { file_size, segment_size, segments }),
            _ => Err(SegmentError::TooMany { file_size, segment_size, segments }),
        }
    }

    /// The file's bytes.
    #[must_use]
    pub const fn file_size(self) -> u64 {
        self.file_size
    }

    /// Bytes of every segment but the last.
    #[must_use]
    pub const fn segment_size(self) -> SegmentSize {
        self.segment_size
    }

    /// How many segments, at least one.
    #[must_use]
    pub const fn segments(self) -> u32 {
        self.segments
    }

    /// Whether the file is one tree block, without a manifest.
    #[must_use]
    pub const fn is_single(self) -> bool {
        self.segments == 1
    }

    /// The file's bytes that segment `index` has. None: there is no such segment.
    #[must_use]
    pub fn range(self, index: u32) -> Option<Range<u64>> {
        if index >= self.segments {
            return None;
        }
        let size = u64::from(self.segment_size.0);
        // No overflow: at most 65,536 · 512 MiB.
        let start = u64::from(index) * size;
        Some(start..self.file_size.min(start + size))
    }

    /// Which segment has the byte at `offset` of the file, and where in it. None: the file
    /// ends before.
    #[must_use]
    pub fn locate(self, offset: u64) -> Option<(u32, u64)> {
        if offset >= self.file_size {
            return None;
        }
        let size = u64::from(self.segment_size.0);
        Some((u32::try_from(offset / size).ok()?, offset % size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_are_refused() {
        for bytes in [0, MAX_SEGMENT + 1, 1 << 32, u64::MAX] {
            assert_eq!(SegmentSize::new(bytes), Err(SegmentError::Size(bytes)));
        }
        // 512 · 1,048,576 = 536,870,912.
        assert_eq!(SegmentSize::new(MAX_SEGMENT).map(SegmentSize::get), Ok(536_870_912));
        assert_eq!(SegmentSize::DEFAULT.get(), 33_554_432);
    }

    #[test]
    fn files_that_are_too_long_are_refused() {
        let one = SegmentSize::new(1).unwrap();
        assert_eq!(FilePlan::new(65_536, one).map(FilePlan::segments), Ok(65_536));
        for (file_size, size) in [(65_537, 1), (u64::MAX, 1), (u64::MAX, MAX_SEGMENT)] {
            let size = SegmentSize::new(size).unwrap();
            assert!(matches!(FilePlan::new(file_size, size), Err(SegmentError::TooMany { .. })));
        }
    }

    #[test]
    fn ranges_cover_a_file_once() {
        let size = SegmentSize::new(10).unwrap();
        for file_size in [0, 1, 9, 10, 11, 20, 25] {
            let plan = FilePlan::new(file_size, size).unwrap();
            let mut next = 0;
            for index in 0..plan.segments() {
                let range = plan.range(index).unwrap();
                assert_eq!(range.start, next);
                next = range.end;
            }
            assert_eq!(next, file_size);
            assert_eq!(plan.range(plan.segments()), None);
            assert_eq!(plan.locate(file_size), None);
        }
        let plan = FilePlan::new(25, size).unwrap();
        assert_eq!((plan.segments(), plan.range(2)), (3, Some(20..25)));
        assert_eq!(plan.locate(24), Some((2, 4)));
        assert!(!plan.is_single() && FilePlan::new(10, size).unwrap().is_single());
    }
}
