//! The pure machine in virtual time.

use crate::client::{Job, Told, request, sha256d};
use crate::fake::{TIME, template, user, zeros};
use blocktree_primitives::{Network, Principal};
use blocktree_stratum::session::Counted;
use blocktree_stratum::{Action, Difficulty, Event, Outcome, Session, Settings, Solution};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SETTINGS: Settings = Settings {
    network: Network::Dev,
    payable: |_, principal| match principal.0 == [9; 32] {
        true => Err("everybody knows its key".to_owned()),
        false => Ok(()),
    },
    start: Difficulty::LOWEST,
    floor: Difficulty::LOWEST,
    share_every: Duration::from_secs(5),
    is_unpaced: false,
    login: Duration::from_secs(20),
    idle: Duration::from_secs(900),
    burst: 10,
    lines_per_second: 2,
};

/// A session and what its miner knows.
struct Pair {
    session: Session,
    told: Told,
    now: Instant,
    solutions: Vec<(Value, Solution)>,
    counted: Vec<Counted>,
    points: u32,
    closed: Option<&'static str>,
    work: Option<Principal>,
    /// The answer to the last request.
    answer: Value,
}

impl Pair {
    fn new(settings: Settings) -> Self {
        let now = Instant::now();
        Self {
            session: Session::new(now, settings, [0xe1, 2, 3, 4]),
            told: Told::default(),
            now,
            solutions: Vec::new(),
            counted: Vec::new(),
            points: 0,
            closed: None,
            work: None,
            answer: Value::Null,
        }
    }

    /// Subscribed, authorized as user 1, with a job whose blocks have `bits` zero bits.
    fn mining(settings: Settings, bits: usize) -> Self {
        let mut pair = Self::new(settings);
        let answer = pair.call("subscribe", &json!([]));
        pair.told.take_subscription(&answer);
        assert_eq!(pair.call("authorize", &json!([user(1), ""]))["result"], true);
        assert_eq!(pair.work, Some(Principal([1; 32])));
        pair.give(1, bits);
        pair
    }

    fn give(&mut self, tip: u8, bits: usize) {
        let template = template(Principal([1; 32]), [tip; 32], zeros(bits), 0);
        self.on(Event::Work(Arc::new(template)));
    }

    fn on(&mut self, event: Event<'_>) {
        for action in self.session.on(self.now, event) {
            match action {
                Action::Send(line) => {
                    assert!(!line.contains('\n'));
                    if let Some(answer) = self.told.hear(&line) {
                        self.answer = answer;
                    }
                }
                Action::Work(principal) => self.work = Some(principal),
                Action::Solve(id, solution) => self.solutions.push((id, *solution)),
                Action::Count(counted) => self.counted.push(counted),
                Action::Offence(points, _) => self.points += points,
                Action::Close(reason) => self.closed = Some(reason),
            }
        }
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.answer = Value::Null;
        let line = request(5, &format!("mining.{method}"), params);
        self.on(Event::Line(line.trim_end().as_bytes()));
        self.answer.take()
    }

    fn error(&mut self, method: &str, params: &Value) -> (u64, String) {
        let answer = self.call(method, params);
        assert_eq!(answer["result"], Value::Null);
        assert_eq!(answer["id"], 5);
        (answer["error"][0].as_u64().unwrap(), answer["error"][1].as_str().unwrap().to_owned())
    }

    fn job(&self) -> Job {
        self.told.job.clone().unwrap()
    }

    /// The parameters of a good share of the job.
    fn share(&self, job: &Job, from: u32) -> Value {
        let nonce = job.share(&self.told.extranonce([0; 4]), from);
        json!([user(1), job.id, "00000000", job.time, format!("{nonce:08x}")])
    }

    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            self.on(Event::Tick);
        }
    }
}

/// Equal but for what a decimal number loses on its way.
fn is(difficulty: f64, wanted: f64) -> bool {
    (difficulty / wanted - 1.0).abs() < 1e-12
}

fn stale() -> (u64, String) {
    (21, "stale: the job was replaced".to_owned())
}

#[test]
fn a_job_is_the_commitment_less_its_extra_nonce() {
    let pair = Pair::mining(SETTINGS, 40);
    let job = pair.job();
    // height 7 | miner | roots: 8 + 32 * 4 = 136 bytes.
    let wanted = [&7_u64.to_le_bytes()[..], &[1; 32], &[3; 32], &[4; 32], &[5; 32]].concat();
    assert_eq!(job.coinb1, wanted);
    assert_eq!((job.coinb1.len(), job.coinb2.len(), job.branches.len()), (136, 0, 0));
    assert_eq!((job.version, &*job.bits), (0x2000_0000, "1d00ffff"));
    assert_eq!(job.time, "6553f100", "1,700,000,000");
    assert!(job.is_clean);
    assert_eq!(pair.told.extranonce1, [0xe1, 2, 3, 4]);
    assert!(is(pair.told.difficulty, 1.0 / 16_777_216.0), "{}", pair.told.difficulty);
}

#[test]
fn good_shares_are_accepted_and_the_same_one_only_once() {
    let mut pair = Pair::mining(SETTINGS, 40);
    let params = pair.share(&pair.job(), 0);
    let answer = pair.call("submit", &params);
    assert_eq!((&answer["result"], &answer["error"]), (&json!(true), &Value::Null));
    assert_eq!(pair.error("submit", &params), (22, "duplicate share".to_owned()));
    assert_eq!(pair.counted, [Counted::Accepted, Counted::Rejected]);
    assert_eq!(pair.points, 1);
}

#[test]
fn every_error_has_its_code() {
    let mut pair = Pair::new(SETTINGS);
    let nothing = json!([user(1), "1", "00000000", "6553f100", "00000000"]);
    assert_eq!(pair.error("submit", &nothing), (25, "not subscribed".to_owned()));
    pair.call("subscribe", &json!([]));
    let unauthorized = pair.error("submit", &nothing);
    assert_eq!(unauthorized, (24, "unauthorized: authorize first".to_owned()));

    let mut pair = Pair::mining(SETTINGS, 40);
    let mut with = |index: usize, value: &str| {
        let mut params = pair.share(&pair.job(), 0);
        params[index] = json!(value);
        pair.error("submit", &params)
    };
    let other = "unauthorized: one connection mines for one principal; open another one";
    assert_eq!(with(0, &user(2)), (24, other.to_owned()));
    assert_eq!(with(1, "2"), (21, "job not found".to_owned()));
    assert_eq!(with(1, "0"), (21, "job not found".to_owned()));
    assert_eq!(with(2, "000000"), (20, "extranonce2 is not 8 hex digits".to_owned()));
    let range = (20, "ntime out of range".to_owned());
    // The template's earliest time is 1,699,999,990; the latest is 300 s past its own.
    assert_eq!(with(3, "6553f0f5"), range);
    assert_eq!(with(3, "6553f22d"), range);
    assert_eq!(with(3, "6553f22c").0, 23, "in range, but another hash");
    assert_eq!(with(4, "x"), (20, "nonce is not 8 hex digits".to_owned()));
    let poor = pair.job().find(
        &pair.told.extranonce([0; 4]),
        0x2000_0000,
        0,
        [0xff; 32],
        pair.job().target,
    );
    let mut params = pair.share(&pair.job(), 0);
    params[4] = json!(format!("{poor:08x}"));
    assert_eq!(pair.error("submit", &params), (23, "low difficulty share".to_owned()));
    assert_eq!(pair.error("nonsense", &json!([])), (20, "method not found".to_owned()));
}

#[test]
fn users_are_principals_of_this_network() {
    let mut pair = Pair::new(SETTINGS);
    let mut refused = |user: &str| {
        let (code, text) = pair.error("authorize", &json!([user, "x"]));
        assert_eq!(code, 24);
        text
    };
    assert!(refused("bob").starts_with("unauthorized: not a principal: "));
    let main = Principal([1; 32]).to_text(Network::Main);
    let wrong = "unauthorized: a principal of this network begins with dblk1, this one with blk1";
    assert_eq!(refused(&main), wrong);
    assert_eq!(refused(&user(9)), "unauthorized: everybody knows its key");
    let worker = format!("{}.rig.7", user(1));
    assert_eq!(pair.call("authorize", &json!([worker]))["result"], true);
    assert_eq!(pair.session.miner(), Some(Principal([1; 32])));
    // Another worker of the same principal, and another principal.
    assert_eq!(pair.call("authorize", &json!([user(1), "x"]))["result"], true);
    assert_eq!(pair.error("authorize", &json!([user(2), "x"])).0, 24);
}

#[test]
fn authorizing_before_subscribing_works_as_well() {
    let mut pair = Pair::new(SETTINGS);
    assert_eq!(pair.call("authorize", &json!([user(1), ""]))["result"], true);
    pair.give(1, 40);
    assert!(pair.told.job.is_none());
    let answer = pair.call("subscribe", &json!([]));
    pair.told.take_subscription(&answer);
    assert!(pair.told.job.is_some());
}

#[test]
fn a_block_is_submitted_before_it_is_answered() {
    // One hash in 2^12 is a block; a share is one in 2^8.
    let pair = Pair::mining(SETTINGS, 12);
    let job = pair.job();
    let mut block = zeros(12);
    block.reverse();
    let extranonce = pair.told.extranonce([0, 0, 0, 9]);
    let nonce = job.find(&extranonce, job.version, 0, block, [0; 32]);
    let params = json!([user(1), job.id, "00000009", job.time, format!("{nonce:08x}")]);
    for (outcome, code) in [
        (Outcome::NewTip, None),
        (Outcome::Stale, Some(21)),
        (Outcome::Refused("x".into()), Some(20)),
    ] {
        let mut pair = Pair::mining(SETTINGS, 12);
        assert_eq!(pair.call("submit", &params), Value::Null, "no answer yet");
        let (id, solution) = pair.solutions.pop().unwrap();
        let raw = job.header(&extranonce, job.version, &job.time, nonce);
        assert_eq!(solution.header.to_bytes().to_vec(), raw);
        assert_eq!(solution.header.hash().0, sha256d(&raw));
        assert_eq!(solution.commitment.extra_nonce, [0xe1, 2, 3, 4, 0, 0, 0, 9]);
        pair.on(Event::Solved(id, outcome));
        assert_eq!(pair.answer["error"][0].as_u64(), code);
        assert_eq!(pair.answer["result"], if code.is_none() { json!(true) } else { Value::Null });
    }
}

#[test]
fn a_new_tip_makes_jobs_stale_and_better_fees_do_not() {
    let mut pair = Pair::mining(SETTINGS, 40);
    let first = pair.job();
    pair.give(1, 40);
    let second = pair.job();
    assert!(!second.is_clean);
    assert_ne!(first.id, second.id);
    let params = pair.share(&first, 0);
    assert_eq!(pair.call("submit", &params)["result"], true);
    pair.give(2, 40);
    assert!(pair.job().is_clean);
    let params = pair.share(&second, 0);
    assert_eq!(pair.error("submit", &params), stale());
    assert_eq!(pair.counted, [Counted::Accepted, Counted::Stale]);
    assert_eq!(pair.points, 0, "to be late is nobody's fault");
}

#[test]
fn jobs_of_one_tip_are_bounded() {
    let mut pair = Pair::mining(SETTINGS, 40);
    let first = pair.job();
    (0..7).for_each(|_| pair.give(1, 40));
    let params = pair.share(&first, 0);
    assert_eq!(pair.call("submit", &params)["result"], true);
    pair.give(1, 40);
    let params = pair.share(&first, 1_000_000);
    assert_eq!(pair.error("submit", &params), stale());
}

#[test]
fn shares_of_one_job_are_bounded_and_fast_hardware_is_no_offender() {
    let fast = Settings { share_every: Duration::from_secs(100_000), ..SETTINGS };
    let mut pair = Pair::mining(fast, 40);
    // Difficulty rises meanwhile; all these shares are of the first job.
    let job = pair.job();
    let mut from = 0;
    for _ in 0..512 {
        let params = pair.share(&job, from);
        from = u32::from_str_radix(params[4].as_str().unwrap(), 16).unwrap() + 1;
        assert_eq!(pair.call("submit", &params)["result"], true);
    }
    let params = pair.share(&job, from);
    assert_eq!(pair.error("submit", &params).0, 20);
    assert_eq!((pair.points, pair.counted.len()), (0, 513));
    assert!(pair.told.difficulty > job_difficulty());
    let params = pair.share(&pair.job(), 0);
    assert_eq!(pair.call("submit", &params)["result"], true, "the harder job is open");
}

/// 2^-24.
fn job_difficulty() -> f64 {
    1.0 / 16_777_216.0
}

#[test]
fn versions_roll_within_the_mask_that_was_agreed_on() {
    let mut pair = Pair::mining(SETTINGS, 40);
    let job = pair.job();
    let roll = |pair: &Pair, version: u32, bits: u32| {
        let extranonce = pair.told.extranonce([0; 4]);
        let nonce = job.find(&extranonce, version, 0, job.target, [0; 32]);
        json!([
            user(1),
            job.id,
            "00000000",
            job.time,
            format!("{nonce:08x}"),
            format!("{bits:08x}")
        ])
    };
    let outside = (20, "version bits outside the mask that was agreed on".to_owned());
    let params = roll(&pair, 0x2000_2000, 0x2000);
    assert_eq!(pair.error("submit", &params), outside, "nothing was agreed on");
    let asked =
        json!([["version-rolling", "minimum-difficulty"], {"version-rolling.mask": "ffffffff"}]);
    let answer = pair.call("configure", &asked);
    let agreed = json!({"version-rolling": true, "version-rolling.mask": "1fffe000", "minimum-difficulty": false});
    assert_eq!(answer["result"], agreed);
    assert_eq!(pair.call("submit", &params)["result"], true);
    let all = roll(&pair, 0x3fff_e000, 0x1fff_e000);
    assert_eq!(pair.call("submit", &all)["result"], true);
    let bit = roll(&pair, 0x2000_0100, 0x100);
    assert_eq!(pair.error("submit", &bit), outside);
    let plain = pair.share(&job, 0);
    assert_eq!(pair.call("submit", &plain)["result"], true, "without the sixth parameter");
    // A mask that leaves nothing.
    let none = json!([["version-rolling"], {"version-rolling.mask": "00000100"}]);
    assert_eq!(pair.call("configure", &none)["result"], json!({"version-rolling": false}));
}

#[test]
fn suggestions_are_taken_within_bounds() {
    let mut pair = Pair::mining(SETTINGS, 40);
    assert_eq!(pair.call("suggest_difficulty", &json!([0.03]))["result"], true);
    // 2^-6 is 0.0156, 2^-5 is 0.03125.
    assert!(is(pair.told.difficulty, 0.015_625), "{}", pair.told.difficulty);
    assert!(!pair.job().is_clean, "the same work with another difficulty");
    // A block has 40 zero bits, so difficulty 2^8 is about as hard: 0xFFFF/0x10000 of it is less.
    pair.call("suggest_difficulty", &json!([1e9]));
    assert!(is(pair.told.difficulty, 128.0), "{}", pair.told.difficulty);
    pair.call("suggest_difficulty", &json!([1e-30]));
    assert!(is(pair.told.difficulty, 1.0 / 16_777_216.0), "{}", pair.told.difficulty);
    assert_eq!(pair.error("suggest_difficulty", &json!([-1])).0, 20);
    pair.call("authorize", &json!([user(1), "d=2"]));
    assert!(is(pair.told.difficulty, 2.0), "{}", pair.told.difficulty);
    assert_eq!(pair.call("extranonce.subscribe", &json!([]))["result"], true);
}

#[test]
fn jobs_in_hand_keep_a_lower_difficulty_and_take_a_lowered_one() {
    let mut pair = Pair::mining(SETTINGS, 60);
    let easy = pair.job();
    pair.call("suggest_difficulty", &json!([1]));
    let hard = pair.job();
    assert!(is(pair.told.difficulty, 1.0), "{}", pair.told.difficulty);
    let params = pair.share(&easy, 0);
    assert_eq!(pair.call("submit", &params)["result"], true, "as it was told with the job");
    let mut params = params;
    params[1] = json!(hard.id);
    assert_eq!(pair.error("submit", &params).0, 23);
    pair.call("suggest_difficulty", &json!([1e-30]));
    assert_eq!(pair.call("submit", &params)["result"], true, "lowered since");
}

/// A miner of 2^s hashes a second in virtual time, whose shares are paid for with as much time as
/// they would take on average, though easy ones are really found.
#[test]
fn vardiff_converges_on_the_rate_that_is_aimed_at() {
    let mut pair = Pair::mining(SETTINGS, 60);
    // 2^10 hashes a second are 5,120 in five seconds: 2^12.3, so difficulty 2^-20 or a
    // neighbour, where shares of 2^12 or 2^13 hashes come each four or eight seconds.
    let (mut from, mut shares) = (0, 0);
    let start = pair.now;
    while pair.now - start < Duration::from_secs(900) {
        let job = pair.job();
        let hashes = pair.told.difficulty * 4_294_967_296.0;
        let took = Duration::from_secs_f64(hashes / 1_024.0);
        let due = pair.now + took;
        while pair.now + Duration::from_secs(1) <= due {
            pair.wait(1);
        }
        pair.now = due;
        let params = pair.share(&job, from);
        from = u32::from_str_radix(params[4].as_str().unwrap(), 16).unwrap() + 1;
        assert_eq!(pair.call("submit", &params)["result"], true);
        shares += 1;
    }
    let exponent = pair.session.difficulty().exponent();
    assert!((-20..=-19).contains(&exponent), "2^{exponent}");
    assert!((100..400).contains(&shares), "{shares} in 900 s, about 180 aimed at");
    // Half a minute without a share: easier at once.
    pair.wait(31);
    assert_eq!(pair.session.difficulty().exponent(), exponent - 2);
}

#[test]
fn an_unpaced_chain_has_shares_harder_than_its_blocks() {
    let unpaced = Settings { is_unpaced: true, start: Difficulty::power(-20), ..SETTINGS };
    let pair = Pair::mining(unpaced, 1);
    assert!(is(pair.told.difficulty, 1.0 / 1_048_576.0), "{}", pair.told.difficulty);
    let paced = Settings { is_unpaced: false, ..unpaced };
    let pair = Pair::mining(paced, 1);
    assert!(is(pair.told.difficulty, 1.0 / 16_777_216.0), "{}", pair.told.difficulty);
}

#[test]
fn who_does_not_log_in_or_stops_mining_is_let_go() {
    let mut pair = Pair::new(SETTINGS);
    pair.call("subscribe", &json!([]));
    pair.wait(19);
    assert_eq!(pair.closed, None);
    pair.wait(1);
    assert_eq!(pair.closed, Some("neither subscribed nor authorized in time"));
    let mut pair = Pair::mining(SETTINGS, 40);
    pair.wait(500);
    let params = pair.share(&pair.job(), 0);
    assert_eq!(pair.call("submit", &params)["result"], true);
    pair.wait(899);
    assert_eq!(pair.closed, None);
    pair.wait(1);
    assert_eq!(pair.closed, Some("no share for too long"));
}

#[test]
fn lines_are_paced_and_offences_counted() {
    let mut pair = Pair::new(SETTINGS);
    for _ in 0..9 {
        pair.on(Event::Line(b""));
        assert_eq!(pair.session.pause(pair.now), Duration::ZERO);
    }
    pair.on(Event::Line(b"garbage"));
    assert_eq!(pair.points, 20);
    assert_eq!(pair.session.pause(pair.now), Duration::from_millis(500), "two a second");
    pair.on(Event::Overlong);
    assert_eq!((pair.points, pair.closed), (120, Some("a line too long")));
}

#[test]
fn no_line_makes_it_panic() {
    let mut pair = Pair::mining(SETTINGS, 40);
    let params = pair.share(&pair.job(), 0);
    let line = request(5, "mining.submit", &params);
    let bytes = line.as_bytes();
    for cut in 0..bytes.len() {
        pair.on(Event::Line(&bytes[..cut]));
        for byte in [0, b'"', b'[', b'9', 0xff] {
            let mut spoilt = bytes.to_vec();
            spoilt[cut] = byte;
            pair.on(Event::Line(&spoilt));
        }
    }
    assert!(pair.points > 0);
    assert_eq!(TIME, 0x6553_f100);
}
