//! A chain in a file, and files that are none.

use crate::support::columns::assert_same;
use crate::support::{Forge, NOW};
use blocktree_import::archive::{Archive, ArchiveError, export};
use blocktree_import::{ChainReport, Stopped};
use blocktree_primitives::BlockHash;
use blocktree_runtime::Call;
use blocktree_state::MemoryLedger;

/// Magic, version, genesis: 16 + 4 + 32.
const HEADER: usize = 52;

struct File {
    forge: Forge,
    ledger: MemoryLedger,
    bytes: Vec<u8>,
    /// Where the blocks begin, and where the last one ends.
    edges: Vec<usize>,
}

fn file(blocks: u64) -> File {
    let mut forge = Forge::new();
    let mut tip = forge.genesis;
    let row = forge.mine_row(&tip, 1, blocks);
    if let Some(last) = row.last() {
        tip = *last;
    }
    let ledger = forge.alone(&tip);
    let (mut bytes, mut heights) = (Vec::new(), Vec::new());
    let count = export(&ledger, &mut bytes, |height| heights.push(height.0)).unwrap();
    assert_eq!(count, blocks);
    assert_eq!(heights, (1..=blocks).collect::<Vec<_>>());
    let mut edges = vec![HEADER];
    for hash in &row {
        // Length and checksum before each: 4 + 8.
        edges.push(edges.last().unwrap() + 12 + forge.block(hash).encoded().len());
    }
    // A length of 0 and a count of 8 bytes.
    assert_eq!(bytes.len(), edges.last().unwrap() + 12);
    File { forge, ledger, bytes, edges }
}

/// All that can be read, and why no more.
fn read(bytes: &[u8], genesis: &BlockHash) -> (usize, Option<ArchiveError>) {
    let archive = match Archive::<_, Call>::open(bytes, genesis) {
        Ok(archive) => archive,
        Err(error) => return (0, Some(error)),
    };
    let (mut blocks, mut refused) = (0, None);
    for block in archive {
        assert!(refused.is_none(), "it goes on after an error");
        match block {
            Ok(_) => blocks += 1,
            Err(error) => refused = Some(error),
        }
    }
    (blocks, refused)
}

#[test]
fn there_and_back() {
    for blocks in [0, 1, 7] {
        let File { forge, ledger, bytes, .. } = file(blocks);
        let copy = MemoryLedger::new();
        let mut importer = forge.open(&copy);
        let archive = Archive::open(&bytes[..], &forge.genesis).unwrap();
        let report = importer.import_chain(archive, NOW, |_, _| true).unwrap();
        let events = if blocks == 0 { 0 } else { blocks + 1 };
        assert_eq!(report, ChainReport { blocks, events, known: 0 });
        assert_same(&copy, &ledger);
        let mut again = Vec::new();
        export(&*importer.shared().published().snapshot, &mut again, |_| ()).unwrap();
        assert_eq!(again, bytes);
    }
}

#[test]
fn the_beginning_is_frozen() {
    let File { forge, ledger, bytes, .. } = file(1);
    assert_eq!(&bytes[..16], b"blocktree chain\n");
    assert_eq!(bytes[16..20], [1, 0, 0, 0]);
    assert_eq!(bytes[20..52], forge.genesis.0);
    let tip = forge.open(&ledger).tip().hash;
    let block = forge.block(&tip).encoded();
    assert_eq!(bytes[52..56], u32::try_from(block.len()).unwrap().to_le_bytes());
    use sha2::{Digest, Sha256};
    assert_eq!(bytes[56..64], Sha256::digest(&block)[..8]);
    assert_eq!(bytes[64..64 + block.len()], block);
    assert_eq!(bytes[64 + block.len()..], [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn cut_off_anywhere() {
    let File { forge, bytes, edges, .. } = file(3);
    for len in 0..bytes.len() {
        let (blocks, refused) = read(&bytes[..len], &forge.genesis);
        match refused {
            Some(ArchiveError::NotAnExport) => assert!(len < 16, "at {len}"),
            Some(ArchiveError::CutOff(after)) => {
                let whole = edges[1..].iter().filter(|edge| **edge <= len).count();
                assert_eq!((blocks, after), (whole, whole as u64), "at {len}");
            }
            other => panic!("at {len}: {other:?}"),
        }
    }
    assert!(read(&bytes, &forge.genesis).1.is_none());
}

#[test]
fn any_bit_flipped() {
    let File { forge, bytes, edges, .. } = file(3);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            let (blocks, refused) = read(&bytes, &forge.genesis);
            let whole = edges[1..].iter().filter(|edge| **edge <= at).count();
            assert_eq!(blocks, whole, "at {at}.{bit}");
            let number = whole as u64 + 1;
            match refused {
                Some(ArchiveError::NotAnExport) => assert!(at < 20, "at {at}.{bit}"),
                Some(ArchiveError::NewerFormat(_)) => assert!((16..20).contains(&at)),
                Some(ArchiveError::OtherChain { expected, .. }) => {
                    assert_eq!(expected, forge.genesis);
                    assert!((20..52).contains(&at), "at {at}.{bit}");
                }
                Some(ArchiveError::Damaged(block)) => assert_eq!(block, number, "at {at}.{bit}"),
                // A length that leads beyond the end.
                Some(ArchiveError::CutOff(after)) => {
                    let place = at - edges[whole];
                    assert!(after == whole as u64 && place < 4, "at {at}.{bit}");
                }
                other => panic!("at {at}.{bit}: {other:?}"),
            }
        }
    }
}

#[test]
fn other_chains_other_versions_and_other_files() {
    let File { forge, bytes, .. } = file(1);
    let other = BlockHash([7; 32]);
    match read(&bytes, &other).1 {
        Some(ArchiveError::OtherChain { expected, found }) => {
            assert_eq!((expected, found), (other, forge.genesis));
        }
        refused => panic!("{refused:?}"),
    }
    let with_version = |version: u32| {
        let mut bytes = bytes.clone();
        bytes[16..20].copy_from_slice(&version.to_le_bytes());
        read(&bytes, &forge.genesis).1
    };
    for version in [2, 3, u32::MAX] {
        match with_version(version) {
            Some(ArchiveError::NewerFormat(found)) => assert_eq!(found, version),
            refused => panic!("{refused:?}"),
        }
    }
    assert!(matches!(with_version(0), Some(ArchiveError::NotAnExport)));
    for text in [&b""[..], b"blocktree chain\r", &[0; 100]] {
        assert!(matches!(read(text, &forge.genesis).1, Some(ArchiveError::NotAnExport)));
    }
}

#[test]
fn nothing_may_follow_the_end() {
    let File { forge, bytes, .. } = file(2);
    for tail in [&[0][..], &bytes, &bytes[52..]] {
        let (blocks, refused) = read(&[&bytes, tail].concat(), &forge.genesis);
        assert_eq!(blocks, 2);
        assert!(matches!(refused, Some(ArchiveError::TrailingBytes(2))), "{refused:?}");
    }
}

#[test]
fn what_came_before_the_damage_is_imported() {
    let File { forge, mut bytes, edges, .. } = file(5);
    bytes[edges[3] + 100] ^= 1;
    let ledger = MemoryLedger::new();
    let mut importer = forge.open(&ledger);
    let archive = Archive::open(&bytes[..], &forge.genesis).unwrap();
    match importer.import_chain(archive, NOW, |_, _| true) {
        Err(Stopped::Source(ArchiveError::Damaged(4))) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(importer.tip().height.0, 3);
}

/// A checksum that fits says that nothing happened on the way, not that it is a block.
#[test]
fn bytes_that_are_no_block_are_refused_behind_their_checksum() {
    use sha2::{Digest, Sha256};
    let File { forge, bytes, .. } = file(0);
    for block in [&[1u8][..], &[0; 224], &[0; 300]] {
        let mut bytes = bytes[..HEADER].to_vec();
        bytes.extend(u32::try_from(block.len()).unwrap().to_le_bytes());
        bytes.extend(&Sha256::digest(block)[..8]);
        bytes.extend(block);
        match read(&bytes, &forge.genesis).1 {
            Some(ArchiveError::NotABlock(1, violation)) => {
                assert_eq!(violation.name(), "Malformed");
            }
            refused => panic!("{refused:?}"),
        }
    }
    // Longer than any block: not even read.
    let mut bytes = bytes[..HEADER].to_vec();
    bytes.extend(2_000_229u32.to_le_bytes());
    assert!(matches!(read(&bytes, &forge.genesis).1, Some(ArchiveError::Damaged(1))));
}
