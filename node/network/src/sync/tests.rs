use super::fetch::{Ended, Fetch};
use super::search::{KEPT, Next, Search};
use super::*;
use crate::action::Note;
use crate::message::{MAX_HEADERS, Response};
use crate::serve::serve;
use crate::testing::{self, Call, FakeLocal, at, event, node};
use blocktree_consensus::{Candidate, Violation};
use blocktree_import::Worth;

/// A branch of so many blocks on a chain's tip, made without storing it here.
fn grown(local: &mut FakeLocal, count: usize) -> Vec<BlockHash> {
    (0..count).map(|_| local.grow(Vec::new())).collect()
}

fn hello(local: &FakeLocal) -> Hello {
    let tip = local.tip();
    Hello {
        genesis: local.genesis(),
        tip: tip.hash,
        height: tip.height,
        total_work: tip.total_work,
    }
}

type Twist = dyn FnMut(NodeId, &Request, Response) -> Option<Response>;

/// A node that syncs from others, which answer as they should unless a test says otherwise.
struct World {
    local: FakeLocal,
    sync: Sync<Call>,
    random: Random,
    now: Now,
    peers: BTreeMap<NodeId, FakeLocal>,
    offences: Vec<(NodeId, Offence)>,
    notes: Vec<Note>,
    imported: Vec<(BlockHash, Worth)>,
    /// Requests for bodies, by whom.
    bodies_asked: BTreeMap<NodeId, usize>,
    /// Changes a peer's answer; `None`: it stays silent.
    twist: Box<Twist>,
    /// Who never answers a request for bodies, so that the request stays under way.
    stalls: Option<NodeId>,
    /// What the importer says of a block instead of storing it.
    verdict: fn(&Candidate<Call>) -> Option<Imported>,
    largest: BTreeMap<&'static str, usize>,
}

impl World {
    fn new(local: FakeLocal) -> Self {
        Self {
            local,
            sync: Sync::default(),
            random: Random::new(1),
            now: at(1_000),
            peers: BTreeMap::new(),
            offences: Vec::new(),
            notes: Vec::new(),
            imported: Vec::new(),
            bodies_asked: BTreeMap::new(),
            twist: Box::new(|_, _, response| Some(response)),
            stalls: None,
            verdict: |_| None,
            largest: BTreeMap::new(),
        }
    }

    fn join(&mut self, peer: NodeId, local: FakeLocal) {
        self.sync.hello(peer, &hello(&local), Direction::Outbound);
        self.peers.insert(peer, local);
    }

    /// Lets a tenth of a second pass and everything happen that follows.
    fn step(&mut self) {
        self.now.tick = self.now.tick.after(Duration::from_millis(100));
        let mut out = Out::default();
        self.sync.drive(self.now, &self.local, &mut self.random, &mut out).unwrap();
        for _ in 0..10_000 {
            self.offences.append(&mut out.offences);
            self.notes.append(&mut out.notes);
            let (asks, imports) =
                (core::mem::take(&mut out.asks), core::mem::take(&mut out.imports));
            if asks.is_empty() && imports.is_empty() {
                return;
            }
            for (block, worth) in imports {
                self.import(*block, worth, &mut out);
            }
            for (peer, purpose, request) in asks {
                self.ask(peer, purpose, request, &mut out);
            }
            self.sync.drive(self.now, &self.local, &mut self.random, &mut out).unwrap();
            let mut measures = crate::Measures::default();
            self.sync.measure(&mut measures, 8);
            assert_eq!(measures.broken(), None);
            for measure in measures.0 {
                let largest = self.largest.entry(measure.name).or_default();
                *largest = measure.size.max(*largest);
            }
        }
        panic!("sync asks for ever");
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    fn import(&mut self, block: Candidate<Call>, worth: Worth, out: &mut Out<Call>) {
        let hash = block.header.hash();
        self.imported.push((hash, worth));
        let parent = block.header.parent;
        let outcome = (self.verdict)(&block).unwrap_or_else(|| {
            if self.local.block(&parent).unwrap().is_none() {
                return Imported::NotYet(NotYet::Orphan { parent });
            }
            self.local.store(&block);
            Imported::NewTip { hash, reverted: 0 }
        });
        self.sync.imported(self.now, &hash, &outcome, out);
    }

    fn ask(&mut self, peer: NodeId, purpose: Purpose, request: Request, out: &mut Out<Call>) {
        if matches!(request, Request::Bodies { .. }) {
            *self.bodies_asked.entry(peer).or_default() += 1;
            if self.stalls == Some(peer) {
                return;
            }
        }
        let answer = self.peers.get(&peer).and_then(|local| {
            let response = serve(local, &request).unwrap().unwrap_or(Response::Unknown);
            (self.twist)(peer, &request, response)
        });
        let (now, local) = (self.now, &self.local);
        match (answer, &purpose) {
            (Some(Response::Headers(headers)), Purpose::Headers) => {
                self.sync.headers(now, peer, &headers, local, out).unwrap();
            }
            (Some(Response::Headers(headers)), Purpose::HeadersAgain) => {
                self.sync.headers_again(now, peer, &headers, local, out).unwrap();
            }
            (Some(Response::Bodies(bodies)), Purpose::Bodies(asked)) => {
                self.sync.bodies(now, peer, asked, bodies.into_vec(), out);
            }
            _ => self.sync.failed(now, peer, &purpose),
        }
    }

    fn state(&self) -> SyncState {
        let tip = self.local.tip();
        self.sync.state(self.now, tip.height, tip.total_work)
    }
}

/// A chain with events in it, and a node that has only genesis.
fn far_behind(blocks: usize) -> (World, FakeLocal) {
    let mut best = FakeLocal::new();
    for number in 0..blocks {
        best.grow(vec![event(u64::try_from(number).unwrap(), 300)]);
    }
    (World::new(FakeLocal::new()), best)
}

#[test]
fn a_node_catches_up_from_several_peers() {
    let (mut world, best) = far_behind(500);
    let target = best.tip();
    for number in 1..=3 {
        let (_, copy) = far_behind(500);
        world.join(node(number), copy);
    }
    assert!(world.state().syncing);
    world.steps(3);
    assert_eq!(world.local.tip(), target);
    assert_eq!(world.imported.len(), 500);
    assert_eq!(world.offences, []);
    // In order, and each once.
    let heights: Vec<u64> = world
        .imported
        .iter()
        .map(|(hash, _)| best.block(hash).unwrap().unwrap().commitment.height.0)
        .collect();
    assert_eq!(heights, (1..=500).collect::<Vec<_>>());
    // Every block is imported as part of the whole branch.
    let shown = Worth::Shown(target.total_work);
    assert!(world.imported.iter().all(|(_, worth)| *worth == shown));
    assert_eq!(world.bodies_asked.len(), 3, "{:?}", world.bodies_asked);
    assert_eq!(
        world.notes,
        [Note::SyncStarted { from: 1, to: 500 }, Note::SyncDone { height: 500 }]
    );
    assert_eq!(world.state(), SyncState { syncing: false, target: 500, imported: 0, left: 0 });
}

#[test]
fn a_branch_longer_than_what_is_kept_comes_a_second_time() {
    let count = KEPT + 2 * MAX_HEADERS + 17;
    let mut best = FakeLocal::new();
    grown(&mut best, count);
    let target = best.tip();
    let mut world = World::new(FakeLocal::new());
    world.join(node(1), best);
    world.steps(20);
    assert_eq!(world.local.tip(), target);
    assert_eq!(world.imported.len(), count);
    assert_eq!(world.offences, []);
    // More than half of the kept ones, and 2,048 with the 2,000 of an answer at most.
    let planned = world.largest["planned blocks"];
    assert!((2_049..=4_048).contains(&planned), "{planned}");
}

#[test]
fn who_shows_other_headers_the_second_time_is_found_out() {
    // The peer reorganises to another branch from genesis between the two times.
    let mut best = FakeLocal::new();
    grown(&mut best, KEPT + MAX_HEADERS);
    let mut world = World::new(FakeLocal::new());
    world.join(node(1), best);
    let mut from_genesis = 0;
    world.twist = Box::new(move |_, request, response| match (request, response) {
        (Request::Headers { .. }, Response::Headers(headers)) => {
            if headers.first().is_some_and(|h| h.time == testing::PARAMS.genesis_time + 60) {
                from_genesis += 1;
            }
            // Those that are asked for again, from genesis on, are of another branch.
            if from_genesis == 2 {
                let mut other = FakeLocal::new();
                let block = other.mine_on(&other.genesis(), 9, Vec::new());
                other.store(&block);
                grown(&mut other, 1_999);
                return serve(&other, request).unwrap();
            }
            Some(Response::Headers(headers))
        }
        (_, response) => Some(response),
    });
    world.steps(5);
    assert_eq!(world.imported, []);
    assert_eq!(world.offences.first(), Some(&(node(1), Offence::ChangedHeaders)));
}

#[test]
fn a_branch_with_less_work_is_not_fetched() {
    let mut ours = FakeLocal::new();
    grown(&mut ours, 30);
    let mut other = FakeLocal::new();
    let block = other.mine_on(&other.genesis(), 9, Vec::new());
    other.store(&block);
    grown(&mut other, 19);
    let mut world = World::new(ours);
    world.join(node(1), other);
    // It lies about the work as well.
    let tip = world.local.tip();
    world.sync.told(node(1), 1_000_000, tip.total_work.saturating_mul(1_000), Direction::Inbound);
    world.steps(20);
    assert_eq!((world.imported.len(), world.bodies_asked.len()), (0, 0));
    assert!(!world.state().syncing);
    // Again only after a rest, and then it costs a request.
    assert_eq!(world.largest.get("planned blocks"), Some(&0));
}

#[test]
fn a_branch_below_the_minimum_is_not_fetched() {
    let (mut world, best) = far_behind(40);
    // 41 blocks of 2 hashes.
    world.local.require(Work::from_hashes(83));
    world.join(node(1), best);
    world.steps(5);
    assert_eq!(world.imported, []);
    let (mut world, best) = far_behind(40);
    world.local.require(Work::from_hashes(82));
    world.join(node(1), best);
    world.steps(5);
    assert_eq!(world.imported.len(), 40);
}

#[test]
fn a_silent_peer_costs_seconds_and_not_the_sync() {
    let (mut world, best) = far_behind(300);
    let target = best.tip();
    for number in 1..=2 {
        world.join(node(number), far_behind(300).1);
    }
    // Node 2 never gives a body, and stays silent rather than saying so.
    world.twist = Box::new(|peer, request, response| {
        let is_bodies = matches!(request, Request::Bodies { .. });
        (peer != node(2) || !is_bodies).then_some(response)
    });
    world.steps(10);
    assert_eq!(world.local.tip(), target);
}

#[test]
fn what_a_stalled_peer_was_asked_for_comes_from_another_all_at_once() {
    let (mut world, best) = far_behind(300);
    let target = best.tip();
    for number in 1..=2 {
        world.join(node(number), far_behind(300).1);
    }
    world.stalls = Some(node(1));
    // 2 seconds until the second peer is asked, and little more.
    world.steps(25);
    assert_eq!(world.local.tip(), target);
    // 128 blocks a request: what is node 2's own to give, and node 1's share of the 300 again. Block by
    // block it would be above 128.
    assert!(world.bodies_asked[&node(2)] <= 6, "{:?}", world.bodies_asked);
}

#[test]
fn blocks_above_what_a_peer_told_last_are_asked_of_it_too() {
    let (mut world, best) = far_behind(30);
    let target = best.tip();
    // Its tip is at 30, but what came of it last is a block in between, whose parent is not known here.
    let above = world.local.tip().total_work.saturating_add(Work::from_hashes(1));
    world.sync.orphan(node(1), 20, above, Direction::Inbound);
    world.peers.insert(node(1), best);
    world.steps(3);
    assert_eq!(world.local.tip(), target);
}

#[test]
fn a_wrong_body_is_its_senders_fault_and_the_block_comes_from_another() {
    let (mut world, best) = far_behind(300);
    let target = best.tip();
    for number in 1..=2 {
        world.join(node(number), far_behind(300).1);
    }
    world.twist = Box::new(|peer, _, response| match response {
        Response::Bodies(bodies) if peer == node(2) => {
            let mut bodies = bodies.into_vec();
            for body in &mut bodies {
                body.events = BoundedVec::try_from(vec![0]).unwrap();
            }
            Some(Response::Bodies(BoundedVec::try_from(bodies).unwrap()))
        }
        response => Some(response),
    });
    world.steps(3);
    assert!(world.offences.iter().all(|(peer, offence)| *peer == node(2)
        && matches!(offence, Offence::Block(Violation::WrongEventRoot { .. }))));
    assert!(!world.offences.is_empty());
    assert_eq!(world.local.tip(), target);
}

#[test]
fn a_block_that_is_refused_is_the_leads_fault() {
    let (mut world, best) = far_behind(20);
    world.join(node(1), best);
    world.verdict = |block| {
        (block.commitment.height.0 == 7).then(|| {
            let root = block.commitment.state_root;
            Imported::Refused(Violation::WrongStateRoot { expected: root, found: root })
        })
    };
    world.step();
    assert_eq!(world.local.tip().height.0, 6);
    assert!(matches!(
        world.offences.as_slice(),
        [(peer, Offence::Block(Violation::WrongStateRoot { .. }))] if *peer == node(1)
    ));
    assert!(matches!(world.notes.last(), Some(Note::SyncAbandoned { .. })));
}

#[test]
fn headers_on_top_of_an_invalid_block_are_not_followed() {
    let (mut world, mut best) = far_behind(5);
    let copy = far_behind(5).1;
    // Ours has the same 5 blocks, and knows the 6th to be invalid.
    world.local = copy;
    let bad = best.mine(Vec::new());
    best.store(&bad);
    grown(&mut best, 3);
    world.local.refuse(&bad);
    world.join(node(1), best);
    world.steps(3);
    assert_eq!(world.imported, []);
    assert_eq!(world.offences, [(node(1), Offence::OnInvalid)]);
}

#[test]
fn headers_of_no_proof_of_work_and_headers_that_do_not_join_are_offences() {
    let (mut world, best) = far_behind(10);
    world.join(node(1), best);
    world.twist = Box::new(|_, _, response| match response {
        Response::Headers(headers) => {
            let mut headers = headers.into_vec();
            headers[4].bits = 0x1d00_ffff;
            Some(Response::Headers(BoundedVec::try_from(headers).unwrap()))
        }
        response => Some(response),
    });
    world.step();
    assert!(matches!(
        world.offences.as_slice(),
        [(_, Offence::Block(Violation::InsufficientWork { .. }))]
    ));

    let (mut world, best) = far_behind(10);
    world.join(node(1), best);
    world.twist = Box::new(|_, _, response| match response {
        Response::Headers(headers) => {
            let mut headers = headers.into_vec();
            headers.remove(4);
            Some(Response::Headers(BoundedVec::try_from(headers).unwrap()))
        }
        response => Some(response),
    });
    world.step();
    assert_eq!(world.offences, [(node(1), Offence::Disjoint)]);

    // Headers of a chain with which ours has nothing in common.
    let (mut world, best) = far_behind(10);
    world.join(node(1), best);
    world.twist = Box::new(|_, _, response| match response {
        Response::Headers(headers) => {
            let headers = headers.into_vec().split_off(3);
            Some(Response::Headers(BoundedVec::try_from(headers).unwrap()))
        }
        response => Some(response),
    });
    world.step();
    assert_eq!(world.offences, [(node(1), Offence::Disjoint)]);
}

#[test]
fn a_fork_is_followed_from_where_it_leaves() {
    let mut ours = FakeLocal::new();
    grown(&mut ours, 100);
    let mut theirs = FakeLocal::new();
    let fork = grown(&mut theirs, 60)[59];
    let block = theirs.mine_on(&fork, 9, Vec::new());
    theirs.store(&block);
    grown(&mut theirs, 45);
    let target = theirs.tip();
    let mut world = World::new(ours);
    world.join(node(1), theirs);
    world.steps(3);
    assert_eq!(world.local.tip(), target);
    // 106 − 60
    assert_eq!(world.imported.len(), 46);
    assert_eq!(world.offences, []);
}

#[test]
fn a_flood_of_cheap_headers_keeps_no_more_than_its_bound() {
    // A branch from genesis without an end, made of headers only; its work never reaches ours.
    let mut ours = FakeLocal::new();
    grown(&mut ours, 10);
    ours.require(Work::from_hashes(1_000_000));
    let genesis = ours.context(&ours.genesis()).unwrap().unwrap();
    let mut search = Search::new(genesis, 3, Tick(0));
    let mut context = genesis;
    let now = Now { tick: Tick(0), unix: u32::MAX - 600 };
    for _ in 0..10 {
        let mut headers = Vec::new();
        for _ in 0..MAX_HEADERS {
            let header = testing::mine(&context, 5, Vec::new()).header;
            let worked =
                blocktree_consensus::WorkedHeader::check(&testing::PARAMS, &header).unwrap();
            let checked = blocktree_consensus::CheckedHeader::check(
                &testing::PARAMS,
                worked,
                Some(&context),
                u32::MAX,
            );
            context = *checked.unwrap().context_after();
            headers.push(header);
        }
        let next = search.answered(now, &headers, None, &ours).unwrap().unwrap();
        assert!(matches!(next, Next::Ask(_)));
        assert!(search.len_bytes() <= (KEPT + 1) * 80 + 64);
    }
    // 20,000 headers: 312 or 313 bits in 5 words.
    assert_eq!((search.count(), search.len_bytes()), (20_000, 40));
}

#[test]
fn a_lead_that_is_gone_leaves_the_rest_to_others() {
    let (mut world, best) = far_behind(200);
    let target = best.tip();
    world.join(node(1), best);
    let mut out = Out::default();
    world.sync.drive(world.now, &world.local, &mut world.random, &mut out).unwrap();
    let (peer, purpose, request) = out.asks.remove(0);
    world.ask(peer, purpose, request, &mut out);
    world.sync.peer_gone(node(1));
    world.peers.clear();
    world.join(node(2), far_behind(200).1);
    world.steps(3);
    assert_eq!(world.local.tip(), target);
    // And with nobody, it is given up after a while.
    let (mut world, best) = far_behind(200);
    world.join(node(1), best);
    let mut out = Out::default();
    world.sync.drive(world.now, &world.local, &mut world.random, &mut out).unwrap();
    let (peer, purpose, request) = out.asks.remove(0);
    world.ask(peer, purpose, request, &mut out);
    world.sync.peer_gone(node(1));
    world.steps(700);
    assert!(matches!(world.notes.last(), Some(Note::SyncAbandoned { .. })));
    assert!(!world.state().syncing);
}

#[test]
fn what_is_late_is_asked_of_another_after_a_while() {
    let (world, best) = far_behind(3);
    let mut search =
        Search::new(world.local.context(&world.local.genesis()).unwrap().unwrap(), 1, Tick(0));
    let request = Request::Headers { locator: BoundedVec::new() };
    let Some(Response::Headers(headers)) = serve(&best, &request).unwrap() else { panic!() };
    search.answered(at(0), &headers, None, &world.local).unwrap().unwrap();
    let mut fetch = Fetch::<Call>::new(at(0), node(1), search.shown());
    let tip = best.tip();
    let holder = |number| Holder { node: node(number), height: 3, work: tip.total_work };
    let mut out = Out::default();
    assert_eq!(fetch.drive(at(0), &[holder(1)], &mut out), None);
    assert_eq!(out.asks.len(), 1);
    assert_eq!(fetch.drive(at(1_999), &[holder(1), holder(2)], &mut out), None);
    assert_eq!(out.asks.len(), 1, "not yet");
    assert_eq!(fetch.drive(at(2_000), &[holder(1), holder(2)], &mut out), None);
    let (peer, purpose, _) = &out.asks[1];
    assert_eq!((*peer, out.asks.len()), (node(2), 2));
    let late = (1..=3).map(|height| best.canonical(Height(height)).unwrap().unwrap());
    assert_eq!(*purpose, Purpose::Bodies(late.collect()));
    // More than two never.
    assert_eq!(fetch.drive(at(9_000), &[holder(1), holder(2), holder(3)], &mut out), None);
    assert_eq!(out.asks.len(), 2);
    assert_eq!(
        fetch.drive(at(60_000), &[], &mut out).map(|end| matches!(end, Ended::Abandoned(_))),
        Some(true)
    );
}

#[test]
fn a_locator_reaches_genesis_in_few_steps() {
    let mut local = FakeLocal::new();
    let hashes = grown(&mut local, 1_000);
    let locator = locator(Height(1_000), &local).unwrap();
    assert_eq!(locator.first(), hashes.last());
    assert_eq!(locator.last(), Some(&local.genesis()));
    // 8 each, then steps of 2, 4, 8, 16, 32, 64, 128, 256: 993 - 510 = 483, then 512 leads to 0.
    assert_eq!(locator.len(), 8 + 9);
    assert!(locator.len() <= crate::message::MAX_LOCATOR);
}

/// Headers without an end that begin at genesis, two thousand an answer, each answer as late as is
/// allowed.
#[test]
fn a_peer_that_drips_headers_does_not_hold_a_search_for_ever() {
    let (mut world, _) = far_behind(1);
    world.local.require(Work::from_hashes(1_u64 << 40));
    let genesis = world.local.context(&world.local.genesis()).unwrap().unwrap();
    let mut context = genesis;
    world.now.unix = u32::MAX - 600;
    world.sync.told(node(1), 1 << 40, Work::from_hashes(u64::MAX), Direction::Inbound);
    let mut out = Out::default();
    world.sync.drive(world.now, &world.local, &mut world.random, &mut out).unwrap();
    let mut answers = 0;
    while matches!(out.asks.pop(), Some((_, Purpose::Headers, _))) {
        answers += 1;
        let mut headers = Vec::new();
        for _ in 0..MAX_HEADERS {
            let header = testing::mine(&context, 5, Vec::new()).header;
            context.parent.hash = header.hash();
            context.parent.height = context.parent.height.next().unwrap();
            context.parent.time = header.time;
            context.times = context.times.then(header.time);
            headers.push(header);
        }
        world.now.tick = world.now.tick.after(Duration::from_secs(9));
        world.sync.headers(world.now, node(1), &headers, &world.local, &mut out).unwrap();
        world.sync.drive(world.now, &world.local, &mut world.random, &mut out).unwrap();
    }
    // 600 / 9 = 66.7: the 67th answer ends it, and the request that it led to is answered in vain.
    assert_eq!(answers, 68);
    assert!(world.bodies_asked.is_empty() && !world.state().syncing);
}
