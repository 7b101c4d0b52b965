//! Whom a new tip is told, and how.

use super::*;

impl Scene {
    /// With these peers, who know the tip, and nothing told lately.
    fn settled(peers: impl IntoIterator<Item = u8>) -> Self {
        let mut scene = Self::with(peers);
        scene.moved(0);
        scene.asked();
        scene.later(5_000);
        scene
    }

    /// A block is imported on the tip, and the relay hears of it.
    fn grow(&mut self) -> Candidate<Call> {
        let block = self.block(1, 2);
        self.local.store(&block);
        self.moved(0);
        block
    }

    fn moved(&mut self, reverted: u64) {
        let tip = self.local.tip();
        self.relay.tip(self.now, &tip, reverted, &self.local, &mut self.out).unwrap();
    }
}

fn told(to: u8, block: &Candidate<Call>) -> (NodeId, Purpose, Request) {
    (node(to), Purpose::Tell, Request::Compact(compact(block)))
}

fn announced(scene: &Scene, to: u8) -> (NodeId, Purpose, Request) {
    (node(to), Purpose::Tell, Request::Hello(serve::hello(&scene.local)))
}

#[test]
fn a_new_tip_is_told_to_those_who_are_not_known_to_have_it() {
    let mut scene = Scene::settled([1, 2, 3, 4]);
    let block = scene.block(1, 2);
    scene.relay.peer_has(node(2), block.header.hash());
    scene.tell(3, &block);
    scene.asked();
    scene.local.store(&block);
    scene.moved(0);
    assert_eq!(scene.asked(), [told(1, &block), told(4, &block)]);
    scene.moved(0);
    scene.later(10_000);
    assert_eq!(scene.asked(), [], "once");
    // A peer that came later said in its greeting what it has.
    scene.relay.peer_ready(node(5));
    scene.relay.peer_gone(node(1));
    let next = scene.grow();
    let expected = [told(2, &next), told(3, &next), told(4, &next), told(5, &next)];
    assert_eq!(scene.asked(), expected);
}

#[test]
fn whoever_hears_of_a_tip_can_make_the_block_from_it() {
    let mut scene = Scene::settled([1]);
    let block = scene.grow();
    let mut asked = scene.asked();
    let Some((_, _, Request::Compact(compact))) = asked.pop() else { panic!("{asked:?}") };
    let mut other = Scene::with([1]);
    block.body.events().iter().for_each(|event| {
        other.local.wait(event.clone());
    });
    assert_eq!(other.compact(1, compact), Heard::Nothing);
    assert_eq!(other.imports(), [block]);
}

/// The first tip after a start at some height is no news.
#[test]
fn the_chain_that_was_there_is_announced() {
    let mut scene = Scene::with([1]);
    scene.grow();
    assert_eq!(scene.asked(), []);
    scene.tick();
    let expected = announced(&scene, 1);
    assert_eq!(scene.asked(), [expected]);
}

#[test]
fn a_long_step_is_announced_and_not_told() {
    let mut scene = Scene::settled([1]);
    // Three blocks at once are few, four are not.
    (0..3).for_each(|_| {
        scene.local.grow(Vec::new());
    });
    scene.moved(0);
    assert!(matches!(&scene.asked()[..], [(_, Purpose::Tell, Request::Compact(_))]));
    (0..4).for_each(|_| {
        scene.local.grow(Vec::new());
    });
    scene.moved(0);
    assert_eq!(scene.asked(), []);
    scene.tick();
    let expected = announced(&scene, 1);
    assert_eq!(scene.asked(), [expected]);
    scene.later(5_000);
    assert_eq!(scene.asked(), [], "once");
}

#[test]
fn the_blocks_of_a_reorganisation_count_from_where_it_forked() {
    let mut scene = Scene::settled([1]);
    // Two blocks give way to three: a step of three.
    let fork = scene.local.tip().hash;
    scene.grow();
    scene.grow();
    scene.asked();
    let mut parent = fork;
    let mut blocks = Vec::new();
    for _ in 0..3 {
        let block = scene.local.mine_on(&parent, 9, Vec::new());
        parent = scene.local.store(&block);
        blocks.push(block);
    }
    scene.moved(2);
    assert_eq!(scene.asked(), [told(1, &blocks[2])]);
    // Three give way to four: a step of four.
    let mut parent = fork;
    for _ in 0..4 {
        let block = scene.local.mine_on(&parent, 10, Vec::new());
        parent = scene.local.store(&block);
    }
    scene.moved(3);
    assert_eq!(scene.asked(), []);
}

#[test]
fn while_syncing_the_tip_is_announced_every_two_seconds_at_most() {
    let mut scene = Scene::with([1, 2]);
    scene.relay.set_syncing(true);
    scene.grow();
    scene.tick();
    let expected = [announced(&scene, 1), announced(&scene, 2)];
    assert_eq!(scene.asked(), expected);
    scene.grow();
    scene.later(1_999);
    assert_eq!(scene.asked(), []);
    let tip = scene.grow();
    scene.relay.peer_has(node(2), tip.header.hash());
    scene.later(1);
    let expected = [announced(&scene, 1)];
    assert_eq!(scene.asked(), expected);
    scene.relay.set_syncing(false);
    let block = scene.grow();
    assert_eq!(scene.asked(), [told(1, &block), told(2, &block)]);
}

#[test]
fn blocks_that_come_too_fast_are_announced() {
    let mut scene = Scene::settled([1]);
    for _ in 0..25 {
        let block = scene.grow();
        assert_eq!(scene.asked(), [told(1, &block)]);
    }
    scene.grow();
    assert_eq!(scene.asked(), []);
    scene.tick();
    let expected = announced(&scene, 1);
    assert_eq!(scene.asked(), [expected]);
    scene.later(5_000);
    let block = scene.grow();
    assert_eq!(scene.asked(), [told(1, &block)]);
}

/// The figure that docs/performance.md tells: a full block crosses in 30 kB and one message.
#[test]
fn a_block_of_5000_events_that_the_other_side_has_takes_30_kilobytes() {
    let mut scene = Scene::settled([1]);
    let block = scene.block(1, 5_000);
    scene.local.store(&block);
    scene.moved(0);
    let mut asked = scene.asked();
    let (_, _, request) = asked.pop().unwrap();
    // 1 for the kind, 80 for the header, 144 for the commitment, 2 for the count, 6 · 5,000.
    assert_eq!(request.encode().len(), 30_227);

    let mut other = Scene::with([1]);
    block.body.events().iter().rev().for_each(|event| {
        other.local.wait(event.clone());
    });
    // The pool holds others as well.
    (900_000..903_000).for_each(|number| {
        other.local.wait(event(number, 8));
    });
    let Request::Compact(compact) = Request::from_bytes(&request.encode()).unwrap() else {
        panic!("{request:?}")
    };
    other.compact(1, compact);
    assert_eq!(other.asked(), [], "no further request");
    assert!(other.imports() == [block]);
}
