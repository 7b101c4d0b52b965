//! Many messages of any lengths, sharing the lanes by turns: a lane whose message ends
//! takes the next one, so that none waits for a longer neighbour.

use crate::engine::LANES;
use crate::padding::{Tail, digest};
use crate::portable::START;
use crate::{Block, Digest, Engine, Midstate, State};

impl Engine {
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
            match busy {
                0 => return,
                1 => self.advance::<1>(&mut states, &mut lanes),
                2 => self.advance::<2>(&mut states, &mut lanes),
                3 => self.advance::<3>(&mut states, &mut lanes),
                _ => self.advance::<LANES>(&mut states, &mut lanes),
            }
        }
    }

    /// Takes the first `L` lanes as far as all of them can go without a pause.
    fn advance<const L: usize>(self, states: &mut [State], lanes: &mut [Lane<'_>]) {
        let (Some(states), Some(lanes)) = (states.first_chunk_mut::<L>(), lanes.first_chunk_mut())
        else {
            return;
        };
        let run: &mut [Lane<'_>; L] = lanes;
        let ready = run.each_ref().map(Lane::ready);
        let count = ready.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
        self.compress(states, &ready.map(|blocks| &blocks[..count]));
        for lane in run {
            lane.done(count);
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
    const IDLE: Self = Self {
        body: &[],
        tail: Tail::EMPTY,
        tail_done: 0,
        place: None,
    };

    fn new(message: &'a [u8], absorbed: u64, place: &'a mut Digest) -> Self {
        let (body, rest) = message.as_chunks::<64>();
        let tail = Tail::new(rest, absorbed + message.len() as u64);
        Self {
            body,
            tail,
            tail_done: 0,
            place: Some(place),
        }
    }

    fn finished(&self) -> bool {
        self.ready().is_empty()
    }

    /// The blocks that come next: the body first, then the tail.
    fn ready(&self) -> &[Block] {
        if self.body.is_empty() {
            &self.tail.blocks()[self.tail_done..]
        } else {
            self.body
        }
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
