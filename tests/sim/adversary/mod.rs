//! Participants that lie. Each speaks in encoded messages like everybody else, sees the best chain of
//! the honest nodes, and finds blocks at will, as far as it may be assumed of the worst.

mod equivocates;
mod events;
mod flood;
mod garbage;
mod honest;
mod invalid;
mod pesters;
mod poisons;
mod silent;
mod spoils;
mod stale;
mod unsolicited;
mod withholds;
mod wrong_body;

use crate::chain::Chain;
use crate::dice::Dice;
use crate::link::{Deed, Signal};
use crate::node::node_id;
use crate::world::World;
use blocktree_consensus::{Candidate, Work};
use blocktree_network::message::{Compact, short_ids};
use blocktree_network::{Hello, Request, Response};
use blocktree_primitives::{BlockHash, BoundedVec, Height};
use blocktree_runtime::Call;
use parity_scale_codec::Encode;
use std::collections::BTreeSet;

/// How a participant lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Claims much work and answers nothing.
    Silent,
    /// Shows good headers of more work, and no bodies.
    Withholds,
    /// Tells different peers different blocks of one height.
    Equivocates,
    /// Tells blocks that break a rule.
    Invalid,
    /// Shows headers without end.
    Flood,
    /// Says that its tip is old.
    Stale,
    /// Sends bytes that are no messages.
    Garbage,
    /// Tells events that are not signed by their signer.
    Events,
    /// Sends true headers with other bodies.
    WrongBody,
    /// Answers with what was not asked for.
    Unsolicited,
    /// Asks without end.
    Pesters,
    /// Sends honest events with another signature.
    Spoils,
    /// Shows a branch of more work that turns out invalid only when it is folded.
    Poisons,
}

impl Role {
    pub(crate) const ALL: [Self; 13] = [
        Self::Silent,
        Self::Withholds,
        Self::Equivocates,
        Self::Invalid,
        Self::Flood,
        Self::Stale,
        Self::Garbage,
        Self::Events,
        Self::WrongBody,
        Self::Unsolicited,
        Self::Pesters,
        Self::Poisons,
        Self::Spoils,
    ];

    /// Whether its lies can be proved, so that somebody bans it.
    pub(crate) const fn is_provable(self) -> bool {
        !matches!(self, Self::Silent | Self::Withholds | Self::Equivocates | Self::Stale)
    }

    pub(crate) fn any(dice: &mut Dice) -> Self {
        *dice.pick(&Self::ALL).unwrap_or(&Self::Silent)
    }

    pub(crate) fn act(self) -> Box<dyn Act> {
        match self {
            Self::Silent => Box::new(silent::Silent),
            Self::Withholds => Box::<withholds::Withholds>::default(),
            Self::Equivocates => Box::<equivocates::Equivocates>::default(),
            Self::Invalid => Box::<invalid::Invalid>::default(),
            Self::Flood => Box::<flood::Flood>::default(),
            Self::Stale => Box::new(stale::Stale),
            Self::Garbage => Box::new(garbage::Garbage),
            Self::Events => Box::<events::Events>::default(),
            Self::WrongBody => Box::<wrong_body::WrongBody>::default(),
            Self::Unsolicited => Box::new(unsolicited::Unsolicited),
            Self::Pesters => Box::new(pesters::Pesters),
            Self::Spoils => Box::new(spoils::Spoils),
            Self::Poisons => Box::<poisons::Poisons>::default(),
        }
    }
}

/// What a liar does. What is not overridden is what an honest node would do.
pub(crate) trait Act {
    /// A connection is open.
    fn opened(&mut self, scene: &mut Scene<'_>, peer: usize) {
        let hello = scene.hello();
        scene.ask(peer, &Request::Hello(hello));
    }

    /// A peer asks or tells.
    fn asked(&mut self, scene: &mut Scene<'_>, _peer: usize, token: u64, request: &Request) {
        let response = scene.honest(request);
        scene.answer(token, &response);
    }

    /// A tenth of a second has passed.
    fn idea(&mut self, _scene: &mut Scene<'_>) {}
}

/// What a liar sees, and what it does.
pub(crate) struct Scene<'a> {
    /// The best chain of the honest nodes.
    pub(crate) best: &'a Chain,
    /// Seconds since 1970.
    pub(crate) unix: u32,
    pub(crate) dice: &'a mut Dice,
    /// Whom it is connected with.
    pub(crate) peers: &'a BTreeSet<usize>,
    next: &'a mut u64,
    deeds: Vec<Deed>,
}

impl Scene<'_> {
    /// What an honest node with the best chain would say of itself.
    pub(crate) fn hello(&self) -> Hello {
        let tip = self.best.importer.tip();
        Hello {
            genesis: self.best.rules.genesis,
            tip: tip.hash,
            height: tip.height,
            total_work: tip.total_work,
        }
    }

    /// The claim to have so many blocks on top of the best chain, the last one being `tip`.
    pub(crate) fn claim(&self, tip: BlockHash, blocks: u64) -> Hello {
        let own = self.hello();
        let work = Work::from_hashes(blocks * 1_000);
        let (height, total_work) =
            (Height(own.height.0 + blocks), own.total_work.saturating_add(work));
        Hello { tip, height, total_work, ..own }
    }

    /// What an honest node with the best chain would answer.
    pub(crate) fn honest(&self, request: &Request) -> Response {
        self.best.view(|view| honest::answer(view, request))
    }

    pub(crate) fn ask(&mut self, peer: usize, request: &Request) {
        self.ask_bytes(peer, request.encode());
    }

    pub(crate) fn ask_bytes(&mut self, peer: usize, bytes: Vec<u8>) {
        *self.next += 1;
        self.deeds.push(Deed::Ask { peer, id: *self.next, bytes });
    }

    pub(crate) fn answer(&mut self, token: u64, response: &Response) {
        self.answer_bytes(token, response.encode());
    }

    pub(crate) fn answer_bytes(&mut self, token: u64, bytes: Vec<u8>) {
        self.deeds.push(Deed::Answer { token, bytes });
    }

    /// Tells a peer of a new tip.
    pub(crate) fn announce(&mut self, peer: usize, block: &Candidate<Call>) {
        self.ask(peer, &Request::Compact(compact(block)));
    }

    /// Headers that an honest node would show, and `more` behind them if they reach its tip.
    pub(crate) fn headers_and(&self, request: &Request, more: &[Candidate<Call>]) -> Response {
        let Response::Headers(honest) = self.honest(request) else { return Response::Unknown };
        let Request::Headers { locator } = request else { return Response::Unknown };
        let mut headers = honest.into_vec();
        let last = headers.last().map_or_else(
            || locator.first().copied().unwrap_or(self.best.rules.genesis),
            blocktree_primitives::Header::hash,
        );
        let own = more.iter().map(|block| block.header);
        let behind = own.skip_while(|header| header.parent != last);
        headers.extend(behind);
        headers.truncate(blocktree_network::message::MAX_HEADERS);
        Response::Headers(BoundedVec::try_from(headers).unwrap_or_default())
    }
}

/// A block as it is told.
pub(crate) fn compact(block: &Candidate<Call>) -> Compact {
    let ids = short_ids(&block.header.hash(), &block.body.leaves());
    let ids = BoundedVec::try_from(ids).unwrap_or_default();
    Compact { header: block.header, commitment: block.commitment, ids }
}

/// What these blocks hold, as far as they are among `known`; else as far as an honest node has them.
pub(crate) fn bodies(
    scene: &Scene<'_>,
    hashes: &[BlockHash],
    known: &[Candidate<Call>],
) -> Response {
    let mut bodies = Vec::new();
    for hash in hashes {
        match known.iter().find(|block| block.header.hash() == *hash) {
            Some(block) => bodies.push(honest::body(block)),
            None => {
                let hashes = BoundedVec::try_from(vec![*hash]).unwrap_or_default();
                match scene.honest(&Request::Bodies { hashes }) {
                    Response::Bodies(honest) if !honest.is_empty() => {
                        bodies.extend(honest.into_vec())
                    }
                    _ => break,
                }
            }
        }
    }
    Response::Bodies(BoundedVec::try_from(bodies).unwrap_or_default())
}

/// A liar in its seat.
pub(crate) struct Liar {
    act: Box<dyn Act>,
    peers: BTreeSet<usize>,
    next: u64,
}

impl Liar {
    pub(crate) fn new(act: Box<dyn Act>) -> Self {
        Self { act, peers: BTreeSet::new(), next: 0 }
    }
}

impl World {
    /// Lets a liar act.
    fn play(&mut self, seat: usize, what: impl FnOnce(&mut dyn Act, &mut Scene<'_>)) {
        let unix = self.unix(0);
        let place = seat - self.nodes.len();
        let Some(mut liar) = self.liars[place].take() else { return };
        let mut deeds = Vec::new();
        if let Some(best) = Self::best(&self.nodes) {
            let mut scene = Scene {
                best,
                unix,
                dice: &mut self.dice,
                peers: &liar.peers,
                next: &mut liar.next,
                deeds: Vec::new(),
            };
            what(&mut *liar.act, &mut scene);
            deeds = scene.deeds;
        }
        self.liars[place] = Some(liar);
        for deed in deeds {
            self.links.deed(&mut self.plan, seat, deed);
        }
    }

    /// What the links tell a liar.
    pub(crate) fn signal_liar(&mut self, seat: usize, signal: Signal) {
        self.trace.step(self.plan.now(), seat, "liar", &node_id(seat).0);
        match signal {
            Signal::Opened { peer, .. } => {
                self.connect_liar(seat, peer, true);
                self.play(seat, |act, scene| act.opened(scene, peer));
            }
            Signal::Closed { peer } => self.connect_liar(seat, peer, false),
            Signal::Asked { peer, token, bytes } => {
                if let Ok(request) = Request::from_bytes(&bytes) {
                    self.play(seat, |act, scene| act.asked(scene, peer, token, &request));
                }
            }
            Signal::DialFailed { .. } | Signal::Answered { .. } => {}
        }
    }

    fn connect_liar(&mut self, seat: usize, peer: usize, is_open: bool) {
        let place = seat - self.nodes.len();
        if let Some(liar) = &mut self.liars[place] {
            match is_open {
                true => liar.peers.insert(peer),
                false => liar.peers.remove(&peer),
            };
        }
    }

    /// A tenth of a second of a liar's: now and then it dials somebody, and it does what it does.
    pub(crate) fn idea(&mut self, seat: usize) {
        let peer = self.dice.index(self.nodes.len());
        let is_dialling = self.links.is_dialling(seat, peer);
        let dials = self.dice.once_in(5);
        if dials && !self.links.is_open(seat, peer) && !is_dialling {
            self.links.deed(&mut self.plan, seat, Deed::Dial { peer });
        }
        if self.is_active {
            self.play(seat, |act, scene| act.idea(scene));
        }
    }
}
