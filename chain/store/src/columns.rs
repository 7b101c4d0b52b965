//! How RocksDB is set up: what it may use in all, and how each column is laid out.
//!
//! | Bound | Value | Why |
//! |---|---|---|
//! | cache, with indexes, filters and write buffers in it | 96 MiB | a third of the 300 MB of a syncing node; as resident memory it is about 160 MB, with buffers of compactions and what the allocator wastes |
//! | write buffers of all columns | 32 MiB | charged to the cache: more of one is less of the other |
//! | write-ahead log | 32 MiB | a start after a kill replays it: about half a second of processor time |
//! | open files | 256 | a process has 1,024 by default, peers and clients need the rest |

use blocktree_state::Column;
use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType,
    DBRecoveryMode, DataBlockIndexType, LogLevel, Options, WriteBufferManager,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Read cache, indexes, filters and write buffers together, in bytes.
const CACHE: usize = 96 * MIB;
/// When the write buffers of all columns hold this much, the oldest is written out.
const WRITE_BUFFERS: usize = 32 * MIB;
/// When the log is longer, what it still protects is written out, so that it can be cut.
const LOG_LIMIT: u64 = 32 * MIB as u64;
const OPEN_FILES: i32 = 256;
/// Ten bits a key let one in a hundred absent keys reach the disk.
const FILTER_BITS: f64 = 10.0;

/// The column that is RocksDB's own and in no [`Column`]: the store's record of itself lives there,
/// out of reach of every batch.
pub(crate) const RECORD_COLUMN: &str = rocksdb::DEFAULT_COLUMN_FAMILY_NAME;

/// How a column is read and written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Small values under scattered keys, read one by one, often absent.
    Points,
    /// Values of 1–2 KiB, mostly hashes, rewritten often, read one by one.
    Pages,
    /// Large values, written once, read seldom.
    Bulk,
    /// A few keys, or keys that only grow.
    Sequence,
}

/// How the column is used, and how much is collected before it is written out, in bytes. A column that
/// is rewritten gets more: what is overwritten in the buffer never reaches the disk.
const fn usage(column: Column) -> (Use, usize) {
    match column {
        Column::State => (Use::Points, 16 * MIB),
        Column::Events => (Use::Points, 8 * MIB),
        Column::Headers | Column::PoolJournal => (Use::Points, 4 * MIB),
        Column::Pages => (Use::Pages, 16 * MIB),
        Column::PageIndex => (Use::Pages, 4 * MIB),
        Column::Bodies => (Use::Bulk, 16 * MIB),
        Column::Undo | Column::Effects => (Use::Bulk, 8 * MIB),
        Column::MapJournal => (Use::Sequence, 4 * MIB),
        Column::Meta | Column::Canonical | Column::History => (Use::Sequence, 2 * MIB),
    }
}

/// Whether reading the column should leave its blocks in the cache. A syncing peer that asks for old
/// bodies must not push the state out.
pub(crate) const fn keeps_in_cache(column: Column) -> bool {
    !matches!(usage(column).0, Use::Bulk)
}

/// What all columns share.
pub(crate) struct Memory {
    cache: Cache,
    buffers: WriteBufferManager,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let cache = Cache::new_lru_cache(CACHE);
        // No stall at the limit: a block's batch may be larger than what is left, and the columns'
        // own limits already bound how far beyond it goes.
        let buffers = WriteBufferManager::new_write_buffer_manager_with_cache(
            WRITE_BUFFERS,
            false,
            cache.clone(),
        );
        Self { cache, buffers }
    }

    /// Bytes in use now: read cache, indexes, filters and write buffers together.
    pub(crate) fn used(&self) -> usize {
        self.cache.get_usage()
    }

    /// Settings of the whole database.
    pub(crate) fn database(&self, create: Create) -> Options {
        let mut options = Options::default();
        options.create_if_missing(create == Create::Database);
        options.create_missing_column_families(create != Create::Nothing);
        options.set_write_buffer_manager(&self.buffers);
        options.set_max_total_wal_size(LOG_LIMIT);
        options.set_max_open_files(OPEN_FILES);
        // One flush and one compaction at a time; the other threads belong to the node.
        options.set_max_background_jobs(2);
        options.set_compaction_readahead_size(512 * KIB);
        // Written back to the disk steadily instead of in bursts that a block's fsync would wait for.
        options.set_bytes_per_sync(MIB as u64);
        options.set_wal_bytes_per_sync(MIB as u64);
        // After a power cut: everything up to the first record that is not whole, which is a prefix of
        // what was written, in all columns. A log that was damaged later ends there too; any other
        // mode would either keep what stands behind a hole or refuse after every power cut.
        options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
        options.set_track_and_verify_wals_in_manifest(true);
        options.set_paranoid_checks(true);
        options.set_manifest_preallocation_size(64 * KIB);
        options.set_max_manifest_file_size(4 * MIB);
        // RocksDB's own log: warnings, a few small files.
        options.set_log_level(LogLevel::Warn);
        options.set_max_log_file_size(MIB);
        options.set_keep_log_file_num(3);
        options.set_stats_dump_period_sec(0);
        options.set_stats_persist_period_sec(0);
        options.set_skip_stats_update_on_db_open(true);
        options
    }

    /// All columns with their settings, the store's own included.
    pub(crate) fn columns(&self) -> Vec<ColumnFamilyDescriptor> {
        let own = ColumnFamilyDescriptor::new(RECORD_COLUMN, self.layout(Use::Sequence, MIB));
        let columns = Column::ALL.into_iter().map(|column| {
            let (usage, buffer) = usage(column);
            ColumnFamilyDescriptor::new(column.name(), self.layout(usage, buffer))
        });
        columns.chain([own]).collect()
    }

    fn layout(&self, usage: Use, buffer: usize) -> Options {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&self.cache);
        // In the cache, and so within its bound, however large the chain grows.
        table.set_cache_index_and_filter_blocks(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        let mut options = Options::default();
        options.set_write_buffer_size(buffer);
        options.set_arena_block_size(buffer / 16);
        options.set_level_compaction_dynamic_level_bytes(true);
        options.set_max_bytes_for_level_base(64 * MIB as u64);
        options.set_target_file_size_base(32 * MIB as u64);
        // In parts of a few KiB: whole, those of a large file are half a megabyte each, more than a
        // shard of the cache can keep, and every lookup would read them again.
        table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
        table.set_metadata_block_size(4 * KIB);
        table.set_pin_top_level_index_and_filter(true);
        if usage != Use::Sequence {
            table.set_partition_filters(true);
            table.set_bloom_filter(FILTER_BITS, false);
            table.set_optimize_filters_for_memory(true);
        }
        let (upper, bottom) = match usage {
            Use::Points => {
                table.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
                options.set_memtable_whole_key_filtering(true);
                options.set_memtable_prefix_bloom_ratio(0.05);
                (DBCompressionType::Lz4, DBCompressionType::Lz4)
            }
            // Hashes don't compress.
            Use::Pages | Use::Sequence => (DBCompressionType::None, DBCompressionType::None),
            // Most of the bytes lie at the bottom; on the way there they are copied several times.
            Use::Bulk => {
                table.set_block_size(16 * KIB);
                (DBCompressionType::None, DBCompressionType::Lz4)
            }
        };
        options.set_compression_type(upper);
        options.set_bottommost_compression_type(bottom);
        options.set_block_based_table_factory(&table);
        options
    }
}

/// What may be made while a database is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Create {
    /// Nothing: what is missing was lost.
    Nothing,
    /// Columns: an upgrade brings new ones.
    Columns,
    /// Everything: there is no database yet.
    Database,
}
