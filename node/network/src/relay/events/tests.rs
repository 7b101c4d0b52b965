//! Who is told what, who is asked for what, and what becomes of what comes.

use super::*;
use crate::testing::{Call, FakeLocal, at, event, node};
use blocktree_consensus::EncodedEvent;

/// A relay, the node's own chain and pool, and the effects of the last step.
struct Scene {
    relay: EventRelay,
    local: FakeLocal,
    out: Out<Call>,
}

impl Scene {
    /// With these peers, who were greeted, and an empty pool.
    fn with(peers: &[u8]) -> Self {
        let local = FakeLocal::new();
        let mut relay = EventRelay::default();
        peers.iter().for_each(|number| relay.peer_ready(node(*number), &local));
        Self { relay, local, out: Out::default() }
    }

    fn have(&mut self, from: u8, ids: &[EventId]) {
        self.relay.have(node(from), ids, &self.local, &mut self.out).unwrap();
    }

    fn tick(&mut self, tick: u64) {
        self.relay.tick(at(tick), &self.local, &mut self.out).unwrap();
    }

    fn answered(&mut self, from: u8, ids: &[EventId], events: &[&EncodedEvent<Call>]) {
        let events = events.iter().map(|event| event.encoded().to_vec().try_into().unwrap());
        let (events, local) = (events.collect(), &self.local);
        self.relay.answered(node(from), ids, events, local, &mut self.out).unwrap();
    }

    fn judged(&mut self, id: EventId, from: u8, judgement: Judgement) {
        self.relay.judged(id, node(from), &judgement, &mut self.out);
    }

    /// What was told to whom since the last look.
    fn told(&mut self) -> Vec<(NodeId, Vec<EventId>)> {
        let (told, rest) =
            self.out.asks.drain(..).partition(|ask| matches!(ask.2, Request::Have { .. }));
        self.out.asks = rest;
        let told: Vec<(NodeId, Purpose, Request)> = told;
        told.into_iter()
            .map(|(node, purpose, request)| {
                assert_eq!(purpose, Purpose::Tell);
                let Request::Have { ids } = request else { panic!("not told") };
                (node, ids.into_vec())
            })
            .collect()
    }

    /// What was asked of whom since the last look; nothing may have been told.
    fn asked(&mut self) -> Vec<(NodeId, Vec<EventId>)> {
        let asks = core::mem::take(&mut self.out.asks).into_iter();
        asks.map(|(node, purpose, request)| {
            let Request::Events { ids } = request else { panic!("{request:?}") };
            assert_eq!(purpose, Purpose::Events(ids.to_vec()));
            (node, ids.into_vec())
        })
        .collect()
    }

    /// The events that were handed out since the last look.
    fn handed_out(&mut self) -> Vec<EventId> {
        core::mem::take(&mut self.out.judge).into_iter().map(|(id, _, _)| id).collect()
    }

    fn offences(&mut self) -> Vec<(NodeId, Offence)> {
        core::mem::take(&mut self.out.offences)
    }
}

/// Events and their ids, from number `from` on.
fn some(local: &FakeLocal, from: u64, count: u64) -> (Vec<EncodedEvent<Call>>, Vec<EventId>) {
    let events: Vec<_> = (from..from + count).map(|number| event(number, 8)).collect();
    let ids = events.iter().map(|event| local.id(event)).collect();
    (events, ids)
}

fn id(number: u64) -> EventId {
    let mut bytes = [0xee; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    EventId(bytes)
}

fn ids(range: core::ops::Range<u64>) -> Vec<EventId> {
    range.map(id).collect()
}

#[test]
fn an_event_is_told_once_to_each_peer_that_lacks_it() {
    let mut scene = Scene::with(&[1, 2, 3]);
    let (events, known) = some(&scene.local, 0, 2);
    events.into_iter().for_each(|event| {
        scene.local.wait(event);
    });
    scene.tick(0);
    assert_eq!(scene.told(), []);
    // Peer 2 has the first of them itself.
    scene.have(2, &known[..1]);
    scene.relay.submitted(known[0]);
    scene.relay.submitted(known[1]);
    scene.relay.submitted(known[1]);
    scene.tick(99);
    assert_eq!(scene.told(), [], "gathered for 100 ms");
    scene.tick(100);
    let told = [(node(1), known.clone()), (node(2), known[1..].to_vec()), (node(3), known.clone())];
    assert_eq!(scene.told(), told);
    scene.relay.submitted(known[0]);
    scene.tick(200);
    assert_eq!(scene.told(), [], "told once");
}

/// It tells the id between our pool's word and the flush.
#[test]
fn a_peer_that_tells_an_id_meanwhile_is_not_told_it() {
    let mut scene = Scene::with(&[1]);
    let known = scene.local.wait(event(1, 8));
    scene.relay.submitted(known);
    scene.have(1, &[known]);
    scene.tick(100);
    assert_eq!((scene.told(), scene.asked()), (vec![], vec![]));
}

#[test]
fn a_message_tells_1000_ids_and_the_next_the_rest() {
    let mut scene = Scene::with(&[1]);
    ids(0..1_200).into_iter().for_each(|id| scene.relay.submitted(id));
    scene.tick(100);
    assert_eq!(scene.told(), [(node(1), ids(0..1_000))]);
    scene.tick(200);
    assert_eq!(scene.told(), [(node(1), ids(1_000..1_200))]);
}

#[test]
fn what_waits_to_be_told_is_bounded() {
    let mut scene = Scene::with(&[1]);
    ids(0..10_050).into_iter().for_each(|id| scene.relay.submitted(id));
    let mut told = Vec::new();
    for step in 1..20 {
        scene.tick(step * 100);
        told.extend(scene.told().into_iter().flat_map(|(_, ids)| ids));
    }
    assert_eq!(told, ids(0..10_000));
}

#[test]
fn a_new_peer_hears_of_what_waits_the_best_paying_first() {
    let mut scene = Scene::with(&[]);
    let known: Vec<_> = (0..3).map(|number| scene.local.wait(event(number, 8))).collect();
    scene.relay.peer_ready(node(1), &scene.local);
    scene.tick(0);
    assert_eq!(scene.told(), [(node(1), known)]);
}

#[test]
fn what_is_lacked_is_asked_for_once() {
    let mut scene = Scene::with(&[1, 2]);
    let waiting = scene.local.wait(event(1, 8));
    let mined = event(2, 8);
    let mined_id = scene.local.id(&mined);
    scene.local.grow(vec![mined]);
    scene.have(1, &[id(1), waiting, id(2), mined_id, id(1)]);
    assert_eq!(scene.asked(), [(node(1), vec![id(1), id(2)])]);
    // Another peer has them too, and one more.
    scene.have(2, &[id(1), id(2), id(3)]);
    assert_eq!(scene.asked(), [(node(2), vec![id(3)])]);
    // The first peer is busy: what else it tells is asked for when its answer is there.
    scene.have(1, &[id(4)]);
    assert_eq!(scene.asked(), []);
    scene.answered(1, &[id(1), id(2)], &[]);
    assert_eq!(scene.asked(), [(node(1), vec![id(4)])]);
    // A peer that did not say hello is not heard.
    scene.have(9, &[id(5)]);
    assert_eq!(scene.asked(), []);
}

#[test]
fn when_one_fails_another_who_told_it_is_asked() {
    for how in ["fails", "goes", "leaves out"] {
        let mut scene = Scene::with(&[1, 2, 3]);
        scene.tick(0);
        scene.have(1, &[id(1)]);
        scene.have(2, &[id(1)]);
        scene.have(3, &[id(1)]);
        assert_eq!(scene.asked(), [(node(1), vec![id(1)])], "{how}");
        match how {
            "fails" => scene.relay.failed(node(1), &[id(1)]),
            "goes" => scene.relay.peer_gone(node(1)),
            _ => scene.answered(1, &[id(1)], &[]),
        }
        scene.tick(50);
        assert_eq!(scene.asked(), [(node(2), vec![id(1)])], "{how}");
        scene.relay.failed(node(2), &[id(1)]);
        scene.tick(60);
        assert_eq!(scene.asked(), [(node(3), vec![id(1)])], "{how}");
        scene.relay.failed(node(3), &[id(1)]);
        scene.tick(70);
        assert_eq!(scene.asked(), [], "{how}: nobody is left");
        assert_eq!(scene.offences(), [], "{how}");
    }
}

#[test]
fn what_comes_is_handed_out_once() {
    let mut scene = Scene::with(&[1, 2]);
    let (events, known) = some(&scene.local, 0, 3);
    scene.have(1, &known);
    scene.answered(1, &known, &[&events[0], &events[2]]);
    let bytes: Vec<_> =
        scene.out.judge.iter().map(|(id, bytes, from)| (*id, bytes.clone(), *from)).collect();
    let handed_out = |index: usize| (known[index], events[index].encoded().to_vec(), node(1));
    assert_eq!(bytes, [handed_out(0), handed_out(2)]);
    scene.handed_out();
    // What waits for its judgement is neither asked for nor handed out again.
    scene.have(2, &known);
    assert_eq!(scene.asked(), [(node(1), known.clone()), (node(2), vec![known[1]])]);
    scene.answered(2, &known, &[&events[0], &events[1]]);
    assert_eq!(scene.handed_out(), [known[1]]);
    assert_eq!(scene.offences(), []);
}

#[test]
fn events_that_were_not_asked_for_are_an_offence() {
    let mut scene = Scene::with(&[1]);
    let (events, known) = some(&scene.local, 0, 4);
    let unsolicited = [(node(1), Offence::Unsolicited("an event that was not asked for"))];
    scene.answered(1, &known[..2], &[&events[1], &events[3], &events[0]]);
    assert_eq!(scene.offences(), unsolicited);
    assert_eq!(scene.handed_out(), known[1..2], "what came before was right");
    scene.answered(1, &known[2..3], &[&events[2], &events[2]]);
    assert_eq!(scene.offences(), unsolicited, "the same one twice");
    // Shorter than a signature, which is no event and has no id that was asked for.
    let short: EventBytes = vec![1, 2, 3].try_into().unwrap();
    let local = &scene.local;
    scene.relay.answered(node(1), &known, vec![short], local, &mut scene.out).unwrap();
    assert_eq!(scene.offences(), unsolicited);
}

#[test]
fn an_accepted_event_is_told_on_but_not_back() {
    let mut scene = Scene::with(&[1, 2]);
    let (events, known) = some(&scene.local, 0, 1);
    scene.have(1, &known);
    scene.answered(1, &known, &[&events[0]]);
    scene.asked();
    scene.tick(100);
    assert_eq!(scene.told(), [], "nothing is told before it was judged");
    scene.judged(known[0], 1, Judgement::Accepted);
    scene.tick(200);
    assert_eq!(scene.told(), [(node(2), known)]);
}

/// The id does not cover the signature: who sends a spoilt copy must not keep others from giving the
/// good one.
#[test]
fn an_invalid_event_is_blamed_and_its_id_is_asked_for_again() {
    let mut scene = Scene::with(&[1, 2]);
    let (events, known) = some(&scene.local, 0, 1);
    scene.have(1, &known);
    scene.answered(1, &known, &[&events[0]]);
    scene.judged(known[0], 1, Judgement::Invalid("bad signature".into()));
    assert_eq!(scene.offences(), [(node(1), Offence::Event("bad signature".into()))]);
    scene.asked();
    scene.have(2, &known);
    assert_eq!(scene.asked(), [(node(2), known)]);
    scene.tick(100);
    assert_eq!(scene.told(), []);
}

#[test]
fn a_refused_event_is_not_asked_for_within_a_minute() {
    let mut scene = Scene::with(&[1, 2]);
    scene.tick(0);
    let (events, known) = some(&scene.local, 0, 1);
    scene.have(1, &known);
    scene.answered(1, &known, &[&events[0]]);
    scene.judged(known[0], 1, Judgement::Refused("no such nonce".into()));
    scene.asked();
    for tick in [0, 59_000, 60_000, 119_000] {
        scene.tick(tick);
        scene.have(2, &known);
        assert_eq!((tick, scene.asked()), (tick, vec![]));
    }
    scene.tick(121_000);
    scene.have(2, &known);
    assert_eq!(scene.asked(), [(node(2), known)]);
    assert_eq!(scene.offences(), []);
}

#[test]
fn refusals_that_are_remembered_are_bounded() {
    let mut scene = Scene::with(&[1]);
    scene.tick(0);
    let many = MAX_REFUSED as u64 / 2;
    for number in 0..=many {
        scene.judged(id(number), 1, Judgement::Refused(String::new()));
    }
    scene.have(1, &[id(0), id(1), id(many)]);
    assert_eq!(scene.asked(), [(node(1), vec![id(0)])], "only the oldest was forgotten");
}

#[test]
fn a_dropped_event_may_be_asked_for_again() {
    let mut scene = Scene::with(&[1]);
    let (events, known) = some(&scene.local, 0, 1);
    scene.have(1, &known);
    scene.answered(1, &known, &[&events[0]]);
    scene.judged(known[0], 1, Judgement::Dropped);
    scene.asked();
    scene.have(1, &known);
    assert_eq!(scene.asked(), [(node(1), known)]);
}

#[test]
fn a_peer_of_whom_2000_events_wait_is_asked_for_no_more() {
    let mut scene = Scene::with(&[1, 2]);
    let (events, known) = some(&scene.local, 0, 2_500);
    let all: Vec<_> = events.iter().collect();
    scene.have(1, &known);
    assert_eq!(scene.asked(), [(node(1), known[..1_000].to_vec())]);
    scene.answered(1, &known[..1_000], &all[..1_000]);
    assert_eq!(scene.asked(), [(node(1), known[1_000..2_000].to_vec())]);
    scene.answered(1, &known[1_000..2_000], &all[1_000..2_000]);
    scene.tick(100);
    assert_eq!(scene.asked(), [], "2,000 wait");
    assert_eq!(scene.handed_out().len(), 2_000);
    for id in &known[..999] {
        scene.judged(*id, 1, Judgement::Dropped);
    }
    scene.tick(150);
    assert_eq!(scene.asked(), [], "1,001 wait: 1,000 more could be too many");
    // Others are not concerned.
    scene.have(2, &known[2_400..]);
    assert_eq!(scene.asked(), [(node(2), known[2_400..].to_vec())]);
    scene.judged(known[999], 1, Judgement::Dropped);
    scene.tick(160);
    assert_eq!(scene.asked(), [(node(1), known[2_000..2_400].to_vec())]);
}

#[test]
fn bytes_that_wait_are_bounded_too() {
    let mut scene = Scene::with(&[1]);
    let events: Vec<_> = (0..4).map(|number| event(number, 700_000)).collect();
    let known: Vec<_> = events.iter().map(|event| scene.local.id(event)).collect();
    scene.have(1, &known[..3]);
    scene.answered(1, &known[..3], &[&events[0], &events[1], &events[2]]);
    scene.asked();
    scene.have(1, &known[3..]);
    assert_eq!(scene.asked(), [], "2,100,000 bytes wait");
    scene.judged(known[0], 1, Judgement::Dropped);
    scene.tick(10);
    assert_eq!(scene.asked(), [(node(1), known[3..].to_vec())]);
}

/// 64 MiB = 67,108,864 bytes hold 44 events of 1,500,000 and some, 33 peers' of two.
#[test]
fn what_all_peers_sent_is_bounded() {
    let peers: Vec<u8> = (1..=33).collect();
    let mut scene = Scene::with(&peers);
    let mut asked = 0;
    for peer in &peers {
        let number = u64::from(*peer) * 2;
        let (_, known) = some(&scene.local, number, 2);
        scene.have(*peer, &known);
        asked += scene.asked().len();
    }
    assert_eq!(asked, 33, "nothing came yet");
    for peer in &peers {
        let number = u64::from(*peer) * 2;
        let events = [event(number, 1_500_000), event(number + 1, 1_500_000)];
        let known = [scene.local.id(&events[0]), scene.local.id(&events[1])];
        scene.answered(*peer, &known, &[&events[0], &events[1]]);
    }
    assert_eq!(scene.handed_out().len(), 44);
    scene.have(1, &[id(1)]);
    assert_eq!(scene.asked(), [], "more than 32 MiB wait");
}

#[test]
fn a_full_answer_is_asked_on() {
    let mut scene = Scene::with(&[1]);
    let events: Vec<_> = (0..5).map(|number| event(number, 700_000)).collect();
    let known: Vec<_> = events.iter().map(|event| scene.local.id(event)).collect();
    scene.have(1, &known);
    scene.asked();
    // The second is not there any more, and with the fourth the answer is full.
    scene.answered(1, &known, &[&events[0], &events[2], &events[3]]);
    let handed_out = scene.handed_out();
    assert_eq!(handed_out, [known[0], known[2], known[3]]);
    handed_out.into_iter().for_each(|id| scene.judged(id, 1, Judgement::Dropped));
    scene.tick(10);
    assert_eq!(scene.asked(), [(node(1), vec![known[4]])]);
}

#[test]
fn while_syncing_nothing_is_asked_for_and_nobody_greeted() {
    let mut scene = Scene::with(&[]);
    let waiting = scene.local.wait(event(1, 8));
    scene.relay.set_syncing(true);
    scene.relay.peer_ready(node(1), &scene.local);
    scene.have(1, &ids(0..3));
    scene.tick(100);
    scene.relay.tip_moved(5, &scene.local);
    scene.tick(200);
    assert_eq!((scene.told(), scene.asked()), (vec![], vec![]));
    scene.relay.set_syncing(false);
    scene.tick(300);
    assert_eq!(scene.told(), [(node(1), vec![waiting])]);
    assert_eq!(scene.asked(), [(node(1), ids(0..3))]);
    scene.tick(400);
    assert_eq!(scene.told(), [], "greeted once");
}

#[test]
fn what_a_peer_tells_is_noted_up_to_a_bound() {
    let mut scene = Scene::with(&[1]);
    scene.relay.set_syncing(true);
    ids(0..10_500).chunks(1_000).for_each(|ids| scene.have(1, ids));
    scene.relay.set_syncing(false);
    let mut asked = Vec::new();
    for step in 0..20 {
        scene.tick(step);
        for (from, ids) in scene.asked() {
            scene.relay.failed(from, &ids);
            asked.extend(ids);
        }
    }
    assert_eq!(asked, ids(0..10_000));
}

#[test]
fn after_a_reorganisation_all_that_waits_is_told_again() {
    let mut scene = Scene::with(&[1, 2]);
    let waiting = scene.local.wait(event(1, 8));
    scene.have(2, &[waiting]);
    scene.relay.submitted(waiting);
    scene.tick(100);
    assert_eq!(scene.told(), [(node(1), vec![waiting])]);
    scene.judged(id(7), 1, Judgement::Refused(String::new()));
    scene.relay.tip_moved(0, &scene.local);
    scene.tick(200);
    scene.have(1, &[id(7)]);
    assert_eq!((scene.told(), scene.asked()), (vec![], vec![]), "the chain only grew");
    scene.relay.tip_moved(1, &scene.local);
    scene.tick(300);
    assert_eq!(scene.told(), [(node(1), vec![waiting])], "peer 2 told it itself");
    scene.have(1, &[id(7)]);
    assert_eq!(scene.asked(), [(node(1), vec![id(7)])], "what was refused may be good now");
}
