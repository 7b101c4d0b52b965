//! Messages of any lengths. Many of them share the lanes by turns: a lane whose message ends
//! takes the next one, so that none waits for a longer neighbour.

use crate::engine::{NARROW, WIDE};
use crate::padding::{Tail, digest};
use crate::portable::START;
use crate::{Block, Digest, Engine, Midstate};

impl Engine {
    /// SHA-256 of one message.
    #[must_use]
    pub fn hash(self, message: &[u8]) -> Digest {
        self.hash_from(&Midstate::START, message)
    }

    /// SHA-256 of the beginning `start` followed by `message`.
    #[must_use]
    pub fn hash_from(self, start: &Midstate, message: &[u8]) -> Digest {
        self.finish(&start.state, start.absorbed, message)
    }

    /// SHA-256 of each of `messages`, of any lengths.
    ///
    /// # Panics
    ///
    /// If `out` is not as long as `messages`.
    pub fn hash_slices(self, messages: &[&[u8]], out: &mut [Digest]) {
        self.hash_slices_from(&Midstate::START, messages, out);
    }

    /// SHA-256 of the beginning `start` followed by each of `messages`.
    ///
    /// # Panics
    ///
    /// If `out` is not as long as `messages`.
    pub fn hash_slices_from(self, start: &Midstate, messages: &[&[u8]], out: &mut [Digest]) {
        assert_eq!(messages.len(), out.len(), "one place for each digest");
        if messages.len() >= self.wide_from() {
            self.by_turns::<WIDE>(start, messages, out);
        } else {
            self.by_turns::<NARROW>(start, messages, out);
        }
    }

    fn by_turns<const LANES: usize>(
        self,
        start: &Midstate,
        messages: &[&[u8]],
        out: &mut [Digest],
    ) {
        let mut waiting = messages.iter().zip(out);
        let mut states = [START; LANES];
        let mut lanes = [const { Lane::IDLE }; LANES];
        let mut busy = 0;
        loop {
            // Busy lanes stand first. A finished one is refilled in its place, or by
            // the last busy lane once no message waits.
            let mut at = 0;
            while at < LANES {
                if at < busy && !lanes[at].finished() {
                    at += 1;
                    continue;
                }
                if at < busy
                    && let Some(place) = lanes[at].place.take()
                {
                    *place = digest(&states[at]);
                }
                if let Some((message, place)) = waiting.next() {
                    states[at] = start.state;
                    lanes[at] = Lane::new(message, start.absorbed, place);
                    busy = busy.max(at + 1);
                    at += 1;
                } else if at < busy {
                    busy -= 1;
                    lanes.swap(at, busy);
                    states.swap(at, busy);
                } else {
                    break;
                }
            }
            if busy == 0 {
                return;
            }
            // As far as all busy lanes can go without a pause.
            let mut runs: [&[Block]; LANES] = [&[]; LANES];
            let mut count = usize::MAX;
            for (run, lane) in runs.iter_mut().zip(&lanes[..busy]) {
                *run = lane.ready();
                count = count.min(run.len());
            }
            for run in &mut runs[..busy] {
                *run = &run[..count];
            }
            self.compress_some(&mut states[..busy], &runs[..busy]);
            for lane in &mut lanes[..busy] {
                lane.done(count);
            }
        }
    }
}

/// A message on its way.
struct Lane<'a> {
    /// Whole blocks not yet compressed.
    body: &'a [Block],
    tail: Tail,
    /// Blocks of the tail compressed so far.
    tail_done: usize,
    /// Where the digest goes; none when idle.
    place: Option<&'a mut Digest>,
}

impl<'a> Lane<'a> {
    const IDLE: Self = Self { body: &[], tail: Tail::EMPTY, tail_done: 0, place: None };

    fn new(message: &'a [u8], absorbed: u64, place: &'a mut Digest) -> Self {
        let (body, rest) = message.as_chunks::<64>();
        let tail = Tail::new(rest, absorbed + message.len() as u64);
        Self { body, tail, tail_done: 0, place: Some(place) }
    }

    fn finished(&self) -> bool {
        self.ready().is_empty()
    }

    /// The blocks that come next: the body first, then the tail.
    fn ready(&self) -> &[Block] {
        if self.body.is_empty() { &self.tail.blocks()[self.tail_done..] } else { self.body }
    }

    /// Notes that the first `count` of the ready blocks are compressed.
    fn done(&mut self, count: usize) {
        if self.body.is_empty() {
            self.tail_done += count;
        } else {
            self.body = &self.body[count..];
        }
    }
}
