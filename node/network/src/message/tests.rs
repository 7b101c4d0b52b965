//! The bytes of the messages, frozen, and what is not one.

use super::*;
use blocktree_primitives::block::{MAX_BLOCK_LEN, MAX_EVENTS};
use blocktree_primitives::{CommitmentHash, EventRoot, HistoryRoot, Principal, StateRoot};

const HELLO: Hello = Hello {
    genesis: BlockHash([0x11; 32]),
    tip: BlockHash([0x22; 32]),
    height: Height(5),
    total_work: Work::ZERO,
};

const HEADER: Header = Header {
    version: 0x2000_0000,
    parent: BlockHash([0x33; 32]),
    commitment: CommitmentHash([0x44; 32]),
    time: 1_700_000_000,
    bits: 0x1d00_ffff,
    nonce: 7,
};

const COMMITMENT: Commitment = Commitment {
    height: Height(6),
    miner: Principal([0x55; 32]),
    event_root: EventRoot([0x66; 32]),
    state_root: StateRoot([0x77; 32]),
    history_root: HistoryRoot([0x88; 32]),
    extra_nonce: [0x99; 8],
};

/// `byte` 32 times.
fn hash(byte: &str) -> String {
    byte.repeat(32)
}

fn hello() -> String {
    // 258 hashes are 0x0102, in 32 bytes, little-endian.
    [hash("11"), hash("22"), "0500000000000000".into(), "0201".into(), "00".repeat(30)].concat()
}

fn header() -> String {
    // 1,700,000,000 = 0x6553f100.
    ["00000020", &hash("33"), &hash("44"), "00f15365", "ffff001d", "07000000"].concat()
}

fn commitment() -> String {
    let roots = ["55", "66", "77", "88"].map(hash).concat();
    ["0600000000000000", &roots, &"99".repeat(8)].concat()
}

fn list<T: core::fmt::Debug, const MAX: usize>(items: Vec<T>) -> BoundedVec<T, MAX> {
    items.try_into().unwrap()
}

#[test]
fn requests_are_frozen() {
    let own = Hello { total_work: Work::from_hashes(258_u64), ..HELLO };
    let ids = || list(vec![EventId([0xaa; 32])]);
    let compact = Compact {
        header: HEADER,
        commitment: COMMITMENT,
        ids: list(vec![[1, 2, 3, 4, 5, 6], [0xff; 6]]),
    };
    // A count of 1 is written 04, of 2 08.
    for (request, name, bytes) in [
        (Request::Hello(own), "hello", ["00", &hello()].concat()),
        (
            Request::Headers { locator: list(vec![HELLO.tip, HELLO.genesis]) },
            "headers",
            ["01", "08", &hash("22"), &hash("11")].concat(),
        ),
        (
            Request::Bodies { hashes: list(vec![HELLO.tip]) },
            "bodies",
            ["02", "04", &hash("22")].concat(),
        ),
        (
            Request::Compact(compact),
            "compact",
            ["03", &header(), &commitment(), "08", "010203040506", "ffffffffffff"].concat(),
        ),
        (
            Request::BlockEvents { block: HELLO.tip, indices: list(vec![1, 16_383]) },
            "blockEvents",
            ["04", &hash("22"), "08", "0100", "ff3f"].concat(),
        ),
        (Request::Have { ids: ids() }, "have", ["05", "04", &hash("aa")].concat()),
        (Request::Events { ids: ids() }, "events", ["06", "04", &hash("aa")].concat()),
    ] {
        assert_eq!(request.name(), name);
        assert_eq!(hex::encode(request.encode()), bytes, "{name}");
        assert_eq!(Request::from_bytes(&request.encode()), Ok(request), "{name}");
    }
}

#[test]
fn responses_are_frozen() {
    let own = Hello { total_work: Work::from_hashes(258_u64), ..HELLO };
    let body = BlockBody { commitment: COMMITMENT, events: list(vec![1, 2, 3]) };
    for (response, bytes) in [
        (Response::Hello(own), ["00", &hello()].concat()),
        (Response::Headers(list(vec![HEADER])), ["01", "04", &header()].concat()),
        (
            Response::Bodies(list(vec![body])),
            // Three bytes behind their count, 0c.
            ["02", "04", &commitment(), "0c", "010203"].concat(),
        ),
        (
            Response::Events(list(vec![list(vec![0xaa, 0xbb]), list(vec![])])),
            ["03", "08", "08", "aabb", "00"].concat(),
        ),
        (Response::Noted, "04".into()),
        (Response::Unknown, "05".into()),
    ] {
        assert_eq!(hex::encode(response.encode()), bytes);
        assert_eq!(Response::from_bytes(&response.encode()), Ok(response));
    }
}

#[test]
fn short_ids_are_the_first_bytes_of_sha_256_of_hash_and_leaf() {
    // Python: hashlib.sha256(b"\x11" * 32 + b"\x22" * 32).hexdigest()[:12], and with b"\x33" * 32.
    let ids = short_ids(&BlockHash([0x11; 32]), &[[0x22; 32], [0x33; 32]]);
    let expected: Vec<String> = ids.iter().map(hex::encode).collect();
    assert_eq!(expected, ["5189c77d29fe", "b0dcb09af549"]);
    assert_eq!(short_ids(&BlockHash::ZERO, &[]), Vec::<ShortId>::new());
}

/// A kind, what stands before the count, the bytes of an item, and how many there may be.
type Shape = (u8, usize, usize, usize);

const REQUEST_LISTS: [Shape; 6] = [
    (1, 0, 32, 80),
    (2, 0, 32, 128),
    (3, 224, 6, 16_384),
    (4, 32, 2, 16_384),
    (5, 0, 32, 1_000),
    (6, 0, 32, 1_000),
];

/// A message of this kind with a list of `count` items of zeros.
fn with_list((kind, before, item, _): Shape, count: usize) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.resize(1 + before, 0);
    parity_scale_codec::Compact(u32::try_from(count).unwrap()).encode_to(&mut bytes);
    bytes.resize(bytes.len() + count * item, 0);
    bytes
}

#[test]
fn lists_know_their_bounds() {
    for shape in REQUEST_LISTS {
        let (kind, .., max) = shape;
        assert!(Request::from_bytes(&with_list(shape, max)).is_ok(), "request {kind}");
        let longer = with_list(shape, max + 1);
        assert!(
            matches!(Request::from_bytes(&longer), Err(DecodeError::Malformed(_))),
            "request {kind}"
        );
    }
    // Headers, bodies of nothing (144 and an empty list), events of nothing.
    for shape in [(1, 0, 80, 2_000), (2, 0, 145, 128), (3, 0, 1, 16_384)] {
        let (kind, .., max) = shape;
        assert!(Response::from_bytes(&with_list(shape, max)).is_ok(), "response {kind}");
        let longer = with_list(shape, max + 1);
        assert!(
            matches!(Response::from_bytes(&longer), Err(DecodeError::Malformed(_))),
            "response {kind}"
        );
    }
}

#[test]
fn the_longest_request_is_the_fullest_compact_block() {
    // 1 + 80 + 144 + 4 + 6 · 16,384
    let longest = with_list((3, 224, 6, 16_384), 16_384);
    assert_eq!(longest.len(), 98_533);
    for shape in REQUEST_LISTS {
        assert!(with_list(shape, shape.3).len() <= longest.len());
    }
    assert!(longest.len() <= MAX_REQUEST_LEN);
}

#[test]
fn a_full_answer_fits_a_message() {
    // What comes before the last body or event is below FULL_ANSWER, and that one is no longer than a
    // block; each of 128 bodies has a commitment and a count, each of 16,384 events a count.
    let bodies = 1 + 4 + (FULL_ANSWER - 1) + MAX_BLOCK_LEN + MAX_BODIES * (144 + 4);
    let events = 1 + 4 + (FULL_ANSWER - 1) + MAX_BLOCK_LEN + MAX_EVENTS * 4;
    let headers = 1 + 4 + MAX_HEADERS * 80;
    assert!(bodies.max(events).max(headers) <= MAX_RESPONSE_LEN);
}

#[test]
fn what_is_no_message_is_refused() {
    let too_long = vec![0; MAX_REQUEST_LEN + 1];
    assert_eq!(
        Request::from_bytes(&too_long),
        Err(DecodeError::TooLong { len: 100_001, max: 100_000 })
    );
    let too_long = vec![0; MAX_RESPONSE_LEN + 1];
    assert_eq!(
        Response::from_bytes(&too_long),
        Err(DecodeError::TooLong { len: 4_194_305, max: 4_194_304 })
    );
    let request = |bytes: &[u8]| Request::from_bytes(bytes);
    assert!(matches!(request(&[]), Err(DecodeError::Malformed(_))));
    assert!(matches!(request(&[7]), Err(DecodeError::Malformed(_))), "no such kind");
    assert!(matches!(Response::from_bytes(&[6]), Err(DecodeError::Malformed(_))));
    // The last byte is missing, or one is too many.
    let whole = Request::Hello(HELLO).encode();
    assert!(matches!(request(&whole[..whole.len() - 1]), Err(DecodeError::Malformed(_))));
    let longer = [&whole[..], &[0]].concat();
    assert_eq!(request(&longer), Err(DecodeError::TrailingBytes(1)));
    // A count of 1,000 with nothing behind it: 1,000 · 4 + 1 = 4,001 = 0x0fa1.
    assert!(matches!(request(&[5, 0xa1, 0x0f]), Err(DecodeError::Malformed(_))));
    // A count of 2^30 − 1, and one of 1 in two bytes.
    assert!(matches!(request(&[5, 0xfe, 0xff, 0xff, 0xff]), Err(DecodeError::Malformed(_))));
    let mut padded = vec![5, 5, 0];
    padded.extend([0; 32]);
    assert!(matches!(request(&padded), Err(DecodeError::Malformed(_))));
    // A body or an event of more bytes than a block has.
    let long = u32::try_from(MAX_BLOCK_LEN + 1).unwrap();
    let long = parity_scale_codec::Compact(long).encode();
    let rest = vec![0; MAX_BLOCK_LEN + 1];
    let event = [&[3, 4][..], &long, &rest].concat();
    assert!(matches!(Response::from_bytes(&event), Err(DecodeError::Malformed(_))));
    let body = [&[2, 4][..], &[0; 144], &long, &rest].concat();
    assert!(matches!(Response::from_bytes(&body), Err(DecodeError::Malformed(_))));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

    /// What can be read at all is written back as it was.
    #[test]
    fn there_is_one_encoding(bytes in proptest::collection::vec(0_u8..12, 1..200)) {
        if let Ok(request) = Request::from_bytes(&bytes) {
            proptest::prop_assert_eq!(request.encode(), &bytes[..]);
        }
        if let Ok(response) = Response::from_bytes(&bytes) {
            proptest::prop_assert_eq!(response.encode(), &bytes[..]);
        }
    }
}
