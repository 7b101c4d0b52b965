//! How the events of a block come together, and what is done when they don't.

use super::*;
use crate::message::MAX_IDS;

fn unsolicited(from: u8, what: &'static str) -> (NodeId, Offence) {
    (node(from), Offence::Unsolicited(what))
}

fn violated(from: u8, violation: Violation) -> (NodeId, Offence) {
    (node(from), Offence::Block(violation))
}

/// The same block with other events than it commits to.
fn with_events(block: &Candidate<Call>, events: Vec<EncodedEvent<Call>>) -> Candidate<Call> {
    Candidate { body: Body::new(events).unwrap(), ..block.clone() }
}

/// What it is that a block's events were exchanged for these.
fn wrong_root(block: &Candidate<Call>, given: &Candidate<Call>) -> Violation {
    let (expected, found) = (block.commitment.event_root, given.body.event_root());
    assert_ne!(expected, found);
    Violation::WrongEventRoot { expected, found }
}

impl Scene {
    fn wait(&mut self, block: &Candidate<Call>, indices: impl IntoIterator<Item = usize>) {
        for index in indices {
            self.local.wait(block.body.events()[index].clone());
        }
    }
}

#[test]
fn a_block_without_events_needs_nothing() {
    let mut scene = Scene::with([1]);
    let block = scene.block(1, 0);
    scene.tell(1, &block);
    assert_eq!(scene.imports(), [block]);
    scene.assert_quiet();
}

#[test]
fn what_the_pool_lacks_is_asked_for_in_as_many_answers_as_it_takes() {
    let mut scene = Scene::with([1]);
    let block = scene.block(1, 6);
    scene.wait(&block, [1, 4]);
    scene.tell(1, &block);
    assert_eq!(scene.asked(), [missing(1, &block, &[0, 2, 3, 5])]);
    // Asked again meanwhile, nothing is asked twice.
    scene.tell(1, &block);
    scene.assert_quiet();
    scene.answer_missing(1, &block, &[0, 2, 3, 5], &[0, 2]);
    assert_eq!(scene.asked(), [missing(1, &block, &[3, 5])]);
    scene.answer_missing(1, &block, &[3, 5], &[3, 5]);
    assert_eq!(scene.imports(), std::slice::from_ref(&block));
    scene.tell(1, &block);
    scene.assert_quiet();
}

#[test]
fn two_waiting_events_of_one_short_id_count_as_missing() {
    let mut scene = Scene::with([1]);
    let block = scene.block(1, 2);
    scene.wait(&block, [0, 1]);
    scene.local.show(block.body.events()[1].leaf(), &event(99, 8));
    scene.tell(1, &block);
    assert_eq!(scene.asked(), [missing(1, &block, &[1])]);
    scene.answer_missing(1, &block, &[1], &[1]);
    assert_eq!(scene.imports(), [block]);
    assert_eq!(scene.offences(), []);
}

/// Only another event with the same short id waits: nobody's fault, and the block comes as a whole.
#[test]
fn a_wrong_guess_of_an_event_is_made_good_by_the_whole_block() {
    let mut scene = Scene::with([1]);
    let block = scene.block(1, 2);
    scene.wait(&block, [0]);
    scene.local.show(block.body.events()[1].leaf(), &event(99, 8));
    scene.tell(1, &block);
    assert_eq!(scene.asked(), [whole(1, &block)]);
    scene.answer_whole(1, block.header.hash(), vec![body(&block)]);
    assert_eq!(scene.imports(), [block]);
    scene.assert_quiet();
}

#[test]
fn a_short_id_that_a_block_has_twice_is_asked_for() {
    let mut scene = Scene::with([1]);
    let block = scene.block(1, 3);
    scene.wait(&block, [0, 1, 2]);
    let mut told = compact(&block);
    let mut ids = told.ids.to_vec();
    ids[2] = ids[0];
    told.ids = ids.try_into().unwrap();
    scene.compact(1, told);
    assert_eq!(scene.asked(), [missing(1, &block, &[0, 2])]);
}

#[test]
fn wrong_events_for_the_missing_lead_to_the_whole_and_wrong_wholes_to_blame() {
    let mut scene = Scene::with([1, 2]);
    let block = scene.block(1, 2);
    scene.wait(&block, [0]);
    scene.tell(1, &block);
    scene.tell(2, &block);
    assert_eq!(scene.asked(), [missing(1, &block, &[1])]);
    let wrong = with_events(&block, vec![event(1, 8), event(2, 8)]);
    scene.answer_missing(1, &wrong, &[1], &[1]);
    assert_eq!(scene.asked(), [whole(1, &block)]);
    assert_eq!(scene.offences(), [], "the short ids may have been another's");
    scene.answer_whole(1, block.header.hash(), vec![body(&wrong)]);
    assert_eq!(scene.offences(), [violated(1, wrong_root(&block, &wrong))]);
    // The other, who told the same, is asked and not blamed.
    assert_eq!(scene.asked(), [whole(2, &block)]);
    scene.answer_whole(2, block.header.hash(), vec![body(&block)]);
    assert_eq!(scene.imports(), [block]);
    scene.assert_quiet();
}

#[test]
fn spoilt_whole_blocks_are_refused_by_name() {
    let block = Scene::with([]).block(1, 2);
    let hash = block.header.hash();
    let mut other_commitment = body(&block);
    other_commitment.commitment.extra_nonce = [1; 8];
    let found = other_commitment.commitment.hash();
    let mut cut = block.body.encoded();
    cut.pop();
    let cut = BlockBody { events: cut.try_into().unwrap(), ..body(&block) };
    let mut longer = block.body.encoded();
    longer.push(0);
    let longer = BlockBody { events: longer.try_into().unwrap(), ..body(&block) };
    let swapped: Vec<_> = block.body.events().iter().rev().cloned().collect();
    let swapped = with_events(&block, swapped);
    for (sent, name) in [
        (vec![other_commitment], "WrongCommitment"),
        (vec![cut], "Malformed"),
        (vec![longer], "Malformed"),
        (vec![body(&swapped)], "WrongEventRoot"),
    ] {
        let mut scene = Scene::with([1]);
        scene.local.show(block.body.events()[0].leaf(), &event(99, 8));
        scene.local.show(block.body.events()[1].leaf(), &event(98, 8));
        scene.tell(1, &block);
        assert_eq!(scene.asked(), [whole(1, &block)]);
        scene.answer_whole(1, hash, sent);
        let offences = scene.offences();
        let [(from, Offence::Block(violation))] = &offences[..] else { panic!("{offences:?}") };
        assert_eq!((*from, violation.name()), (node(1), name));
        scene.assert_quiet();
        assert_eq!(scene.relay.sizes()[0], (0, 16));
        assert_eq!(scene.relay.take_given_up().len(), 1);
    }
    assert_ne!(found, block.header.commitment);
}

/// Who tells a block first, with ids that lead nowhere, keeps nobody from having it.
#[test]
fn the_ids_of_another_teller_are_tried_at_once() {
    let mut scene = Scene::with([1, 2, 3, 4]);
    let block = scene.block(1, 3);
    scene.wait(&block, [0, 1, 2]);
    let mut lie = compact(&block);
    lie.ids = vec![[1; 6], [2; 6], [3; 6]].try_into().unwrap();
    scene.compact(1, lie.clone());
    assert_eq!(scene.asked(), [missing(1, &block, &[0, 1, 2])]);
    lie.ids = vec![[1; 6]].try_into().unwrap();
    scene.compact(2, lie);
    scene.assert_quiet();
    scene.tell(3, &block);
    assert_eq!(scene.imports(), std::slice::from_ref(&block));
    // What the first sends now is too late.
    scene.answer_missing(1, &block, &[0, 1, 2], &[0, 1, 2]);
    scene.tell(4, &block);
    scene.assert_quiet();
}

#[test]
fn when_one_fails_the_next_who_told_the_block_is_asked() {
    for how in ["fails", "goes", "unknown", "nothing", "too much", "other kind", "late"] {
        let mut scene = Scene::with([1, 2, 3]);
        let block = scene.block(1, 2);
        let hash = block.header.hash();
        scene.wait(&block, [0]);
        (1..=3).for_each(|from| {
            scene.tell(from, &block);
        });
        assert_eq!(scene.asked(), [missing(1, &block, &[1])], "{how}");
        let purpose = Purpose::Missing(hash, vec![1]);
        match how {
            "fails" => scene.failed(1, &purpose),
            "goes" => scene.relay.peer_gone(node(1)),
            "unknown" => scene.answer(1, &purpose, Response::Unknown),
            "nothing" => scene.answer_missing(1, &block, &[1], &[]),
            "too much" => scene.answer_missing(1, &block, &[1], &[1, 1]),
            "other kind" => scene.answer(1, &purpose, Response::Noted),
            _ => {
                scene.later(9_999);
                scene.assert_quiet();
                scene.later(1);
            }
        }
        let blamed = match how {
            "too much" => vec![unsolicited(1, "more events than were asked for")],
            "other kind" => vec![unsolicited(1, "an answer of another kind")],
            _ => vec![],
        };
        assert_eq!(scene.offences(), blamed, "{how}");
        scene.tick();
        assert_eq!(scene.asked(), [missing(2, &block, &[1])], "{how}");
        // The second goes before its turn would be over; it does not come again when it is told once more.
        scene.relay.peer_gone(node(2));
        scene.relay.peer_ready(node(2));
        scene.tell(2, &block);
        scene.tick();
        assert_eq!(scene.asked(), [missing(3, &block, &[1])], "{how}");
        scene.failed(3, &purpose);
        scene.assert_quiet();
        let given_up: Vec<_> = scene.relay.take_given_up().iter().map(|up| up.node).collect();
        let expected: &[u8] = if how == "goes" { &[2, 3] } else { &[1, 2, 3] };
        assert_eq!(given_up, expected.iter().map(|n| node(*n)).collect::<Vec<_>>(), "{how}");
        assert_eq!(scene.relay.sizes()[0], (0, 16), "{how}");
    }
}

#[test]
fn one_who_gives_an_event_at_a_time_has_ten_seconds_for_all() {
    let mut scene = Scene::with([1, 2]);
    let block = scene.block(1, 4);
    scene.tell(1, &block);
    scene.tell(2, &block);
    scene.later(4_000);
    scene.answer_missing(1, &block, &[0, 1, 2, 3], &[0]);
    scene.later(4_000);
    scene.answer_missing(1, &block, &[1, 2, 3], &[1]);
    scene.asked();
    scene.later(2_000);
    assert_eq!(scene.asked(), [missing(2, &block, &[2, 3])]);
    // What the first sends now is not looked at.
    scene.answer_missing(1, &block, &[2, 3], &[2]);
    scene.assert_quiet();
    scene.answer_missing(2, &block, &[2, 3], &[2, 3]);
    assert_eq!(scene.imports(), [block]);
}

#[test]
fn a_whole_block_is_welcome_from_whoever_was_late() {
    let mut scene = Scene::with([1, 2]);
    let block = scene.block(1, 1);
    scene.local.show(block.body.events()[0].leaf(), &event(99, 8));
    scene.tell(1, &block);
    scene.tell(2, &block);
    assert_eq!(scene.asked(), [whole(1, &block)]);
    scene.later(20_000);
    assert_eq!(scene.asked(), [whole(2, &block)]);
    scene.answer_whole(1, block.header.hash(), vec![body(&block)]);
    assert_eq!(scene.imports(), std::slice::from_ref(&block));
    // The other's comes when it is with the importer: too late, and no offence.
    scene.answer_whole(2, block.header.hash(), vec![body(&block)]);
    scene.assert_quiet();
}

#[test]
fn more_bodies_than_were_asked_for_are_an_offence() {
    let mut scene = Scene::with([1]);
    let block = scene.block(1, 1);
    scene.local.show(block.body.events()[0].leaf(), &event(99, 8));
    scene.tell(1, &block);
    scene.asked();
    scene.answer_whole(1, block.header.hash(), vec![body(&block), body(&block)]);
    assert_eq!(scene.offences(), [unsolicited(1, "more bodies than were asked for")]);
    scene.assert_quiet();
}

#[test]
fn ids_of_more_bytes_than_a_block_has_lead_to_the_whole() {
    let mut scene = Scene::with([1]);
    let block = scene.block(1, 3);
    scene.tell(1, &block);
    scene.asked();
    let large = with_events(&block, (0..3).map(|number| event(number, 700_000)).collect());
    scene.answer_missing(1, &large, &[0, 1, 2], &[0, 1, 2]);
    assert_eq!(scene.asked(), [whole(1, &block)]);
}

#[test]
fn of_each_peer_one_block_is_fetched_at_once() {
    let mut scene = Scene::with([1, 2]);
    let (first, second) = (scene.block(1, 1), scene.block(2, 1));
    scene.tell(1, &first);
    scene.tell(2, &first);
    scene.asked();
    // The second takes the place of the first, for which the other peer is asked now.
    scene.tell(1, &second);
    assert_eq!(scene.asked(), [missing(2, &first, &[0]), missing(1, &second, &[0])]);
    // And nobody is left who told the second.
    let third = scene.block(3, 1);
    scene.tell(1, &third);
    assert_eq!(scene.asked(), [missing(1, &third, &[0])]);
    assert_eq!(scene.relay.sizes()[0], (2, 16));
    let given_up = scene.relay.take_given_up();
    assert_eq!(given_up.len(), 1);
    assert_eq!((given_up[0].node, given_up[0].hash), (node(1), second.header.hash()));
    // What needs no fetching takes no place.
    let whole = scene.block(4, 0);
    scene.tell(1, &whole);
    assert_eq!(scene.imports(), [whole]);
    assert_eq!(scene.relay.sizes()[0], (2, 16));
}

#[test]
fn sixteen_blocks_are_fetched_at_once_and_the_oldest_gives_way() {
    let mut scene = Scene::with(1..=20);
    let blocks: Vec<_> = (1..=18).map(|branch| scene.block(branch, 1)).collect();
    for (from, block) in (1..).zip(&blocks) {
        scene.tell(from, block);
    }
    assert_eq!(scene.relay.sizes()[0], (16, 16));
    assert_eq!(scene.asked().len(), 18);
    let given_up: Vec<_> = scene.relay.take_given_up().iter().map(|up| up.hash).collect();
    assert_eq!(given_up, [blocks[0].header.hash(), blocks[1].header.hash()]);
    scene.answer_missing(1, &blocks[0], &[0], &[0]);
    scene.assert_quiet();
    scene.answer_missing(3, &blocks[2], &[0], &[0]);
    assert_eq!(scene.imports(), [blocks[2].clone()]);
}

#[test]
fn all_who_told_an_invalid_block_are_to_blame() {
    let invalid = Imported::Refused(Violation::WrongBits { expected: 1, found: 2 });
    let offence = Offence::Block(Violation::WrongBits { expected: 1, found: 2 });
    let hash = BlockHash::ZERO;
    for (outcome, blamed) in [
        (invalid, Some(offence)),
        (Imported::KnownInvalid(hash), Some(Offence::OnInvalid)),
        (Imported::NewTip { hash, reverted: 0 }, None),
        (Imported::Side(hash), None),
        (Imported::Known(hash), None),
        (Imported::TooLittleWork(hash), None),
        (Imported::NotYet(NotYet::Future { until: 5 }), None),
    ] {
        let mut scene = Scene::with([1, 2, 3]);
        let block = scene.block(1, 1);
        scene.tell(1, &block);
        scene.tell(2, &block);
        scene.answer_missing(1, &block, &[0], &[0]);
        // It is with the importer when the third tells it.
        scene.tell(3, &block);
        scene.asked();
        assert_eq!(scene.imports().len(), 1);
        scene.relay.imported(block.header.hash(), &outcome, &mut scene.out);
        let expected: Vec<_> = match blamed {
            Some(offence) => (1..=3).map(|from| (node(from), offence.clone())).collect(),
            None => Vec::new(),
        };
        assert_eq!(scene.offences(), expected, "{outcome:?}");
        scene.relay.imported(block.header.hash(), &outcome, &mut scene.out);
        scene.assert_quiet();
    }
}

#[test]
fn while_sixteen_blocks_are_with_the_importer_more_are_left_to_sync() {
    let mut scene = Scene::with(1..=20);
    for branch in 1..=16 {
        let block = scene.block(branch, 0);
        assert_eq!(scene.tell(branch, &block), Heard::Nothing);
    }
    assert_eq!(scene.imports().len(), 16);
    let more = scene.block(17, 0);
    assert_eq!(scene.tell(17, &more), Heard::Joins(Work::from_hashes(10_u64)));
    scene.assert_quiet();
    // An importer that never answers does not stop the relay for good.
    scene.later(119_999);
    assert_eq!(scene.relay.sizes()[1], (16, 16));
    scene.later(1);
    assert_eq!(scene.relay.sizes()[1], (0, 16));
    assert_eq!(scene.tell(17, &more), Heard::Nothing);
    assert_eq!(scene.imports(), [more]);
}

#[test]
fn the_peers_that_are_remembered_for_a_block_are_bounded() {
    let mut scene = Scene::with(1..=20);
    let block = scene.block(1, 1);
    for from in 1..=20 {
        scene.tell(from, &block);
    }
    let purpose = Purpose::Missing(block.header.hash(), vec![0]);
    for from in 1..=8 {
        assert_eq!(scene.asked(), [missing(from, &block, &[0])]);
        scene.failed(from, &purpose);
    }
    scene.assert_quiet();
    assert_eq!(scene.relay.sizes()[0], (0, 16));
}

/// A pool as large as it may be is looked through at once, in batches that don't divide it.
#[test]
fn a_block_is_found_in_a_large_pool() {
    let mut scene = Scene::with([1]);
    let block = scene.block(1, 700);
    scene.wait(&block, (0..700).filter(|index| index % 7 != 3));
    (500_000..502_345).for_each(|number| {
        scene.local.wait(event(number, 8));
    });
    scene.tell(1, &block);
    let lacked: Vec<u16> = (0..700).filter(|index| index % 7 == 3).collect();
    assert_eq!(lacked.len(), MAX_IDS / 10);
    assert_eq!(scene.asked(), [missing(1, &block, &lacked)]);
    scene.answer_missing(1, &block, &lacked, &lacked);
    assert!(scene.imports() == [block]);
}
