//! What is answered, and where answers end.

use super::*;
use crate::message::{Compact, MAX_BODIES, MAX_IDS, MAX_RESPONSE_LEN};
use crate::testing::{Call, FakeLocal, event};
use blocktree_primitives::{Commitment, EventRoot, Header, HistoryRoot, Principal, StateRoot};

fn ask(local: &FakeLocal, request: &Request) -> Response {
    serve(local, request).unwrap().expect("an answer")
}

fn headers_after(local: &FakeLocal, locator: Vec<BlockHash>) -> Vec<Header> {
    let request = Request::Headers { locator: locator.try_into().unwrap() };
    match ask(local, &request) {
        Response::Headers(headers) => headers.into_vec(),
        other => panic!("{other:?}"),
    }
}

fn hashes(headers: &[Header]) -> Vec<BlockHash> {
    headers.iter().map(Header::hash).collect()
}

fn bodies_of(local: &FakeLocal, hashes: Vec<BlockHash>) -> Vec<BlockBody> {
    match ask(local, &Request::Bodies { hashes: hashes.try_into().unwrap() }) {
        Response::Bodies(bodies) => bodies.into_vec(),
        other => panic!("{other:?}"),
    }
}

fn events_of(response: Response) -> Vec<Vec<u8>> {
    match response {
        Response::Events(events) => events.into_vec().into_iter().map(|e| e.into_vec()).collect(),
        other => panic!("{other:?}"),
    }
}

fn block_events_of(local: &FakeLocal, block: BlockHash, indices: Vec<u16>) -> Response {
    ask(local, &Request::BlockEvents { block, indices: indices.try_into().unwrap() })
}

#[test]
fn hello_tells_the_tip() {
    let mut local = FakeLocal::new();
    let tip = local.grow(Vec::new());
    let tell = Hello {
        genesis: BlockHash::ZERO,
        tip: BlockHash::ZERO,
        height: Height(9),
        total_work: local.minimum_work(),
    };
    let Response::Hello(hello) = ask(&local, &Request::Hello(tell)) else { panic!("no hello") };
    assert_eq!((hello.genesis, hello.tip), (local.genesis(), tip));
    assert_eq!(hello.height, Height(1));
    // Genesis and one block of 2^256 / 2^255 = 2 hashes each.
    assert_eq!(hello.total_work, blocktree_consensus::Work::from_hashes(4_u64));
}

#[test]
fn headers_begin_after_the_first_hash_on_the_best_chain() {
    let mut local = FakeLocal::new();
    let best: Vec<BlockHash> = (0..5).map(|_| local.grow(Vec::new())).collect();
    let side = local.mine_on(&best[1], 1, Vec::new());
    let side = local.store(&side);
    let genesis = local.genesis();
    let unknown = BlockHash([1; 32]);
    for (locator, expected) in [
        (vec![], &best[..]),
        (vec![genesis], &best[..]),
        (vec![unknown], &best[..]),
        (vec![best[2], best[0]], &best[3..]),
        // A stored block beside the best chain is not on it.
        (vec![unknown, side, best[1], genesis], &best[2..]),
        (vec![best[4]], &[]),
    ] {
        assert_eq!(hashes(&headers_after(&local, locator.clone())), expected, "{locator:?}");
    }
}

#[test]
fn at_most_2000_headers_are_told() {
    let mut local = FakeLocal::new();
    let best: Vec<BlockHash> = (0..2_003).map(|_| local.grow(Vec::new())).collect();
    assert_eq!(hashes(&headers_after(&local, vec![])), &best[..2_000]);
    assert_eq!(hashes(&headers_after(&local, vec![best[1_999]])), &best[2_000..]);
}

#[test]
fn bodies_are_those_of_the_first_blocks_that_are_known() {
    let mut local = FakeLocal::new();
    let first = local.grow(vec![event(1, 10)]);
    let second = local.grow(vec![event(2, 10), event(3, 10)]);
    let side = local.mine_on(&first, 1, vec![event(4, 10)]);
    local.store(&side);
    let side_hash = side.header.hash();
    let invalid = local.mine_on(&second, 2, Vec::new());
    let invalid = local.refuse(&invalid);

    let bodies = bodies_of(&local, vec![second, side_hash, first]);
    assert_eq!(bodies.len(), 3);
    assert_eq!(bodies[1].commitment, side.commitment);
    assert_eq!(bodies[1].events.to_vec(), side.body.encoded());

    assert_eq!(bodies_of(&local, vec![first, invalid, second]).len(), 1);
    assert_eq!(bodies_of(&local, vec![first, BlockHash([1; 32]), second]).len(), 1);
    assert_eq!(bodies_of(&local, vec![BlockHash([1; 32]), first]).len(), 0);
}

#[test]
fn an_answer_of_bodies_ends_when_it_is_full_and_fits_a_message() {
    let mut local = FakeLocal::new();
    // Bodies of 1 + 700,000 + some 150 bytes: the third takes an answer above 2,000,000.
    let blocks: Vec<BlockHash> = (0..4).map(|n| local.grow(vec![event(n, 700_000)])).collect();
    assert_eq!(bodies_of(&local, blocks.clone()).len(), 3);
    let first = blocks[0];
    assert_eq!(bodies_of(&local, vec![first; MAX_BODIES]).len(), 3);
    let response = ask(&local, &Request::Bodies { hashes: blocks.try_into().unwrap() });
    assert!(response.encode().len() <= MAX_RESPONSE_LEN);
}

#[test]
fn events_of_a_block_come_by_their_places() {
    let mut local = FakeLocal::new();
    let all: Vec<_> = (0..5).map(|number| event(number, 10)).collect();
    let block = local.grow(all.clone());
    let encoded = |index: usize| all[index].encoded().to_vec();
    let got = |indices| block_events_of(&local, block, indices);
    assert_eq!(events_of(got(vec![0, 3, 4])), [encoded(0), encoded(3), encoded(4)]);
    assert_eq!(events_of(got(vec![])), Vec::<Vec<u8>>::new());
    for nonsense in [vec![5], vec![0, 5], vec![3, 0], vec![2, 2], vec![u16::MAX]] {
        assert_eq!(got(nonsense.clone()), Response::Unknown, "{nonsense:?}");
    }
    assert_eq!(block_events_of(&local, BlockHash([1; 32]), vec![0]), Response::Unknown);
    let invalid = local.mine(all);
    let invalid = local.refuse(&invalid);
    assert_eq!(block_events_of(&local, invalid, vec![0]), Response::Unknown);
}

#[test]
fn an_answer_of_events_ends_when_it_is_full_and_fits_a_message() {
    let mut local = FakeLocal::new();
    // Two of some more than 700,000 bytes are less than 2,000,000, three are not.
    let all = (0..4).map(|number| event(number, 700_000));
    let ids: Vec<EventId> = all.map(|event| local.wait(event)).collect();
    let response = ask(&local, &Request::Events { ids: ids.try_into().unwrap() });
    assert!(response.encode().len() <= MAX_RESPONSE_LEN);
    assert_eq!(events_of(response).len(), 3);
}

/// A block that is as large as any: all its events come at once, and in a message.
#[test]
fn the_events_of_the_largest_block_fit_a_message() {
    let mut local = FakeLocal::new();
    // 12,400 · 160 bytes, and 2 for their count; no block has more than 2,000,000.
    let block = local.mine((0..12_400).map(|number| event(number, 46)).collect());
    assert_eq!(block.body.encoded().len(), 1_984_002);
    let hash = local.store(&block);
    let response = block_events_of(&local, hash, (0..12_400).collect());
    assert!(response.encode().len() <= MAX_RESPONSE_LEN);
    let expected: Vec<_> = block.body.events().iter().map(|e| e.encoded().to_vec()).collect();
    assert!(events_of(response) == expected);
}

#[test]
fn only_waiting_events_are_given() {
    let mut local = FakeLocal::new();
    let (first, second) = (event(1, 10), event(2, 20));
    let ids = vec![local.wait(first.clone()), EventId([1; 32]), local.wait(second.clone())];
    let mined = event(3, 10);
    let mined_id = local.id(&mined);
    local.grow(vec![mined]);
    let ids: Vec<EventId> = ids.into_iter().chain([mined_id]).collect();
    let response = ask(&local, &Request::Events { ids: ids.try_into().unwrap() });
    assert_eq!(events_of(response), [first.encoded(), second.encoded()]);
    assert!(EventId::ZERO != mined_id && MAX_IDS >= 4);
}

#[test]
fn what_is_told_is_not_served() {
    let local = FakeLocal::new();
    let genesis = local.block(&local.genesis()).unwrap().unwrap();
    let commitment = Commitment {
        height: Height(1),
        miner: Principal([0; 32]),
        event_root: EventRoot::ZERO,
        state_root: StateRoot::ZERO,
        history_root: HistoryRoot::ZERO,
        extra_nonce: [0; 8],
    };
    let compact = Compact { header: genesis.header, commitment, ids: BoundedVec::new() };
    let none = |request| serve::<Call>(&local, &request).unwrap().is_none();
    assert!(none(Request::Compact(compact)));
    assert!(none(Request::Have { ids: BoundedVec::new() }));
}

/// A disk whose body is not what was written says so, and no peer is told anything.
#[test]
fn a_damaged_body_is_our_fault() {
    struct Damaged(FakeLocal);
    impl Local for Damaged {
        type Call = Call;
        fn params(&self) -> &blocktree_consensus::Params {
            self.0.params()
        }
        fn genesis(&self) -> BlockHash {
            self.0.genesis()
        }
        fn minimum_work(&self) -> blocktree_consensus::Work {
            self.0.minimum_work()
        }
        fn tip(&self) -> blocktree_consensus::ChainInfo {
            self.0.tip()
        }
        fn block(&self, hash: &BlockHash) -> Result<Option<crate::Known>, Fault> {
            self.0.block(hash)
        }
        fn canonical(&self, height: Height) -> Result<Option<BlockHash>, Fault> {
            self.0.canonical(height)
        }
        fn body(&self, _: &BlockHash) -> Result<Option<Vec<u8>>, Fault> {
            Ok(Some(vec![4, 1, 2, 3]))
        }
        fn context(
            &self,
            hash: &BlockHash,
        ) -> Result<Option<blocktree_consensus::HeaderContext>, Fault> {
            self.0.context(hash)
        }
        fn has_event(&self, id: &EventId) -> Result<bool, Fault> {
            self.0.has_event(id)
        }
        fn waiting_event(&self, id: &EventId) -> Option<Vec<u8>> {
            self.0.waiting_event(id)
        }
        fn waiting(&self, limit: usize) -> Vec<EventId> {
            self.0.waiting(limit)
        }
        fn visit_waiting(&self, visit: &mut dyn FnMut(&[u8; 32], &[u8])) {
            self.0.visit_waiting(visit);
        }
    }
    let mut local = FakeLocal::new();
    let block = local.grow(vec![event(1, 10)]);
    let request = Request::BlockEvents { block, indices: vec![0].try_into().unwrap() };
    assert!(matches!(serve(&Damaged(local), &request), Err(Fault::Corrupt(_))));
}
