//! One connection as a pure state machine: lines, work and moments go in, actions come out. No
//! socket, no clock, no thread: tests drive it in virtual time.

use crate::difficulty::is_at_most;
use crate::guard::MALFORMED;
use crate::job::{Job, VERSION_MASK};
use crate::message::{self, Call, Line, Request, Share};
use crate::pace::Bucket;
use crate::vardiff::Vardiff;
use crate::{Difficulty, Outcome, Refusal, Solution, Template};
use blocktree_primitives::{Network, Principal};
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Jobs of one tip that shares are taken for.
const JOBS: usize = 8;
/// Shares that are remembered of a job, so that none counts twice. Vardiff asks for a harder job
/// after sixteen that come too fast.
const SHARES_PER_JOB: usize = 512;
/// Seconds by which a share's time may be ahead of ours: headers further ahead would have to wait
/// to be valid.
const MAX_AHEAD: u64 = 300;

/// Whether a principal may be mined for; the reason if not.
pub type Payable = fn(Network, &Principal) -> Result<(), String>;

/// What a connection is to keep to.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Principals of other networks are refused.
    pub network: Network,
    /// And those that this refuses.
    pub payable: Payable,
    /// The difficulty that a connection begins with.
    pub start: Difficulty,
    /// The lowest difficulty.
    pub floor: Difficulty,
    /// The time between a connection's shares that is aimed at.
    pub share_every: Duration,
    /// The chain has no difficulty that keeps its pace: blocks are so easy that the share
    /// difficulty is what slows miners down. Elsewhere no share is harder than a block.
    pub is_unpaced: bool,
    /// The time for subscribing and authorizing.
    pub login: Duration,
    /// The time without a good share after which a miner is taken for gone.
    pub idle: Duration,
    /// Lines that may come at once.
    pub burst: u32,
    /// Lines per second after those.
    pub lines_per_second: u32,
}

/// What happens to a connection.
#[derive(Debug)]
pub enum Event<'a> {
    /// A line came, without its end; at most [`message::MAX_LINE`] bytes, else
    /// [`Event::Overlong`].
    Line(&'a [u8]),
    /// A line came that is too long.
    Overlong,
    /// There is new work for the principal that [`Action::Work`] named.
    Work(Arc<Template>),
    /// What became of the solution in [`Action::Solve`].
    Solved(Value, Outcome),
    /// Some time went by; wanted about once a second.
    Tick,
}

/// What is to be done, in this order.
#[derive(Debug)]
pub enum Action {
    /// Send this line.
    Send(String),
    /// Events of [`Event::Work`] are wanted for this principal from now on.
    Work(Principal),
    /// Submit a block, and answer with [`Event::Solved`] that carries the value.
    Solve(Value, Box<Solution>),
    /// Count a share.
    Count(Counted),
    /// Hold so many points against the address.
    Offence(u32, String),
    /// End the connection.
    Close(&'static str),
}

/// What became of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Good.
    Accepted,
    /// Good once, but late.
    Stale,
    /// Anything else.
    Rejected,
}

/// The state of a connection.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    /// The first half of the extra nonce: no two connections search the same.
    extranonce1: [u8; 4],
    is_subscribed: bool,
    /// Whom this connection mines for.
    miner: Option<Principal>,
    /// The version bits that may be rolled.
    version_mask: u32,
    vardiff: Vardiff,
    /// The difficulty that the miner was told.
    told: Option<Difficulty>,
    work: Option<Arc<Template>>,
    jobs: VecDeque<Job>,
    next_job: u64,
    lines: Bucket,
    opened: Instant,
    /// When it last proved to be a miner.
    heard: Instant,
}

impl Session {
    /// A connection just opened. `extranonce1` is its own.
    #[must_use]
    pub fn new(now: Instant, settings: Settings, extranonce1: [u8; 4]) -> Self {
        let Settings { share_every, floor, start, burst, lines_per_second, .. } = settings;
        Self {
            settings,
            extranonce1,
            is_subscribed: false,
            miner: None,
            version_mask: 0,
            vardiff: Vardiff::new(now, share_every, floor, start),
            told: None,
            work: None,
            jobs: VecDeque::with_capacity(JOBS),
            next_job: 1,
            lines: Bucket::new(now, burst, lines_per_second),
            opened: now,
            heard: now,
        }
    }

    /// Whom this connection mines for, once it said so.
    #[must_use]
    pub const fn miner(&self) -> Option<Principal> {
        self.miner
    }

    /// The difficulty of new jobs.
    #[must_use]
    pub const fn difficulty(&self) -> Difficulty {
        self.vardiff.present()
    }

    /// The time for which no line should be read: a miner that sends too many waits.
    #[must_use]
    pub fn pause(&self, now: Instant) -> Duration {
        self.lines.wait(now)
    }

    /// Goes on by one event.
    #[must_use]
    pub fn on(&mut self, now: Instant, event: Event<'_>) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Line(line) => self.on_line(now, line, &mut out),
            Event::Overlong => {
                out.push(Action::Offence(crate::guard::BAN_AT, "a line too long".to_owned()));
                out.push(Action::Close("a line too long"));
            }
            Event::Work(template) => {
                self.work = Some(template);
                self.give_job(now, &mut out);
            }
            Event::Solved(id, outcome) => solved(&id, outcome, &mut out),
            Event::Tick => self.on_tick(now, &mut out),
        }
        out
    }

    fn on_tick(&mut self, now: Instant, out: &mut Vec<Action>) {
        let is_working = self.is_subscribed && self.miner.is_some();
        if !is_working && now.saturating_duration_since(self.opened) >= self.settings.login {
            return out.push(Action::Close("neither subscribed nor authorized in time"));
        }
        // Without a job nobody can prove to be a miner.
        if self.jobs.is_empty() {
            self.heard = now;
        }
        if now.saturating_duration_since(self.heard) >= self.settings.idle {
            return out.push(Action::Close("no share for too long"));
        }
        if !self.jobs.is_empty() && self.vardiff.judge(now) {
            self.give_job(now, out);
        }
    }

    fn on_line(&mut self, now: Instant, line: &[u8], out: &mut Vec<Action>) {
        // Whoever drives this has waited for [`Session::pause`].
        self.lines.take(now);
        let Request { id, call } = match message::parse(line) {
            Ok(Line::Request(request)) => request,
            Ok(Line::Nothing) => return,
            Err(malformed) => return out.push(Action::Offence(MALFORMED, malformed.to_string())),
        };
        let result = call.and_then(|call| match call {
            Call::Subscribe => {
                self.is_subscribed = true;
                Ok(Some(message::subscribed(self.extranonce1)))
            }
            Call::Authorize { user, difficulty } => {
                let principal = self.authorize(&user)?;
                if let Some(difficulty) = difficulty.and_then(Difficulty::at_most) {
                    self.vardiff.set(now, difficulty);
                }
                if self.miner.is_none() {
                    self.miner = Some(principal);
                    out.push(Action::Work(principal));
                }
                Ok(Some(Value::Bool(true)))
            }
            Call::Submit(share) => self.submit(now, &id, &share, out),
            Call::Configure { version_mask, extensions } => {
                if let Some(asked) = version_mask {
                    self.version_mask = asked & VERSION_MASK;
                }
                Ok(Some(message::configured(&extensions, self.version_mask)))
            }
            Call::SuggestDifficulty(asked) => {
                let asked = Difficulty::at_most(asked)
                    .ok_or(Refusal::other("the difficulty is not above zero"))?;
                self.vardiff.set(now, asked);
                Ok(Some(Value::Bool(true)))
            }
            // The extranonce never changes while a connection lasts.
            Call::SubscribeExtranonce => Ok(Some(Value::Bool(true))),
        });
        match result {
            Ok(None) => {}
            Ok(Some(value)) => out.push(Action::Send(message::answer(&id, Ok(value)))),
            Err(refusal) => {
                out.push(Action::Send(message::answer(&id, Err(&refusal))));
                if refusal.points() > 0 {
                    out.push(Action::Offence(refusal.points(), refusal.to_string()));
                }
            }
        }
        // After the answer: some miners take the next line for it.
        if self.told.is_none_or(|told| told != self.vardiff.present()) {
            self.give_job(now, out);
        }
    }

    /// The principal of a user name, if this connection may mine for it.
    fn authorize(&self, user: &str) -> Result<Principal, Refusal> {
        let Settings { network, payable, .. } = self.settings;
        let unauthorized = |reason: String| Refusal::Unauthorized(reason.into());
        let name = user.split_once('.').map_or(user, |(name, _)| name);
        let principal =
            Principal::from_text(name, network).map_err(|error| unauthorized(error.to_string()))?;
        payable(network, &principal).map_err(unauthorized)?;
        if self.miner.is_some_and(|miner| miner != principal) {
            let reason = "one connection mines for one principal; open another one";
            return Err(Refusal::Unauthorized(reason.into()));
        }
        Ok(principal)
    }

    /// Gives the present work as a new job, the difficulty before it if the miner does not know it.
    fn give_job(&mut self, now: Instant, out: &mut Vec<Action>) {
        let (true, Some(work)) = (self.is_subscribed, self.work.clone()) else { return };
        let parent = work.header.parent;
        let is_clean = self.jobs.back().is_none_or(|job| job.template.header.parent != parent);
        if is_clean {
            self.jobs.clear();
        }
        if !self.settings.is_unpaced {
            let bound = Difficulty::not_above(&work.target);
            if self.vardiff.present() > bound {
                self.vardiff.set(now, bound);
            }
        }
        let difficulty = self.vardiff.present();
        if self.told != Some(difficulty) {
            self.told = Some(difficulty);
            let params = json!([difficulty.to_json()]);
            out.push(Action::Send(message::notification("mining.set_difficulty", &params)));
            // A miner may take it for the work in hand at once: then its shares are as easy.
            for job in &mut self.jobs {
                job.difficulty = job.difficulty.min(difficulty);
            }
        }
        if self.jobs.len() >= JOBS {
            self.jobs.pop_front();
        }
        let id = self.next_job;
        self.next_job = id.wrapping_add(1);
        let job = Job { id, template: work, difficulty, made: now, seen: HashSet::new() };
        out.push(Action::Send(message::notification("mining.notify", &job.notify(is_clean))));
        self.jobs.push_back(job);
    }

    /// Judges a share, counts it, and says what to answer; nothing yet if it is a block.
    fn submit(
        &mut self,
        now: Instant,
        id: &Value,
        share: &Share,
        out: &mut Vec<Action>,
    ) -> Result<Option<Value>, Refusal> {
        match self.judge(now, share) {
            Ok((difficulty, block)) => {
                self.heard = now;
                self.vardiff.share(difficulty);
                self.vardiff.judge(now);
                match block {
                    Some(solution) => {
                        out.push(Action::Solve(id.clone(), Box::new(solution)));
                        Ok(None)
                    }
                    None => {
                        out.push(Action::Count(Counted::Accepted));
                        Ok(Some(Value::Bool(true)))
                    }
                }
            }
            Err(refusal) => {
                let is_late = refusal == Refusal::Stale;
                let counted = if is_late { Counted::Stale } else { Counted::Rejected };
                out.push(Action::Count(counted));
                Err(refusal)
            }
        }
    }

    /// The difficulty of a good share, and the block if it is one. Cheap checks come first.
    fn judge(
        &mut self,
        now: Instant,
        share: &Share,
    ) -> Result<(Difficulty, Option<Solution>), Refusal> {
        if !self.is_subscribed {
            return Err(Refusal::NotSubscribed);
        }
        if self.miner.is_none() {
            return Err(Refusal::Unauthorized("authorize first".into()));
        }
        self.authorize(&share.user)?;
        let (next_job, mask, extranonce1) = (self.next_job, self.version_mask, self.extranonce1);
        let job = self.jobs.iter_mut().find(|job| job.id == share.job);
        let job = job.ok_or(match share.job < next_job && share.job > 0 {
            true => Refusal::Stale,
            false => Refusal::UnknownJob,
        })?;
        if share.version_bits.is_some_and(|bits| bits & !mask != 0) {
            return Err(Refusal::other("version bits outside the mask that was agreed on"));
        }
        let since = now.saturating_duration_since(job.made).as_secs();
        let latest =
            u64::from(job.template.header.time).saturating_add(since).saturating_add(MAX_AHEAD);
        if share.time < job.template.min_time || u64::from(share.time) > latest {
            return Err(Refusal::other("ntime out of range"));
        }
        let (header, commitment) = job.assemble(extranonce1, share, mask);
        let hash = header.hash().0;
        if !job.difficulty.is_met(&hash) {
            return Err(Refusal::LowDifficulty);
        }
        let key = (share.extranonce2, share.time, share.nonce, header.version);
        if job.seen.contains(&key) {
            return Err(Refusal::Duplicate);
        }
        if job.seen.len() >= SHARES_PER_JOB {
            return Err(Refusal::TooMany);
        }
        job.seen.insert(key);
        let template = &job.template;
        let block = is_at_most(&hash, &template.target).then(|| Solution {
            template: Arc::clone(template),
            header,
            commitment,
        });
        Ok((job.difficulty, block))
    }
}

/// Answers a share that was a block.
fn solved(id: &Value, outcome: Outcome, out: &mut Vec<Action>) {
    let (counted, result) = match outcome {
        Outcome::NewTip => (Counted::Accepted, Ok(Value::Bool(true))),
        Outcome::Stale => (Counted::Stale, Err(Refusal::Stale)),
        Outcome::Refused(reason) => {
            (Counted::Rejected, Err(Refusal::other(format!("the block was refused: {reason}"))))
        }
    };
    out.push(Action::Count(counted));
    out.push(Action::Send(message::answer(id, result.as_ref().cloned())));
}
