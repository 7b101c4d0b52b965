//! What becomes of what is under way on a link.

use super::{Asked, Links, Plan, Signal, Wire};
use blocktree_network::{Direction, Failure};

impl Links {
    /// Goes on with what was under way. Returns what a participant is to be told now.
    pub(crate) fn arrive<T: From<Wire>>(
        &mut self,
        plan: Plan<'_, T>,
        wire: Wire,
    ) -> Option<(usize, Signal)> {
        match wire {
            Wire::Reach { from, to, dial } => self.reach(plan, from, to, dial),
            Wire::Accepted { from, to, dial, era } => self.accepted(plan, from, to, dial, era),
            Wire::DialFailed { from, to, dial } => {
                if self.dials.get(&(from, to)) == Some(&dial) {
                    self.dials.remove(&(from, to));
                    // An open connection of the other's making is as good.
                    if !self.is_open(from, to) {
                        self.tell(plan, from, Signal::DialFailed { peer: to });
                    }
                }
            }
            Wire::Close { at, peer, era } => {
                if self.pair(at, peer).era == era && self.close(plan, at, peer) {
                    let delay = self.latency(0);
                    plan.after(delay, Wire::Close { at: peer, peer: at, era }.into());
                }
            }
            Wire::Dead { one, other, era } => {
                if self.pair(one, other).era == era {
                    self.close(plan, one, other);
                    self.close(plan, other, one);
                }
            }
            Wire::Request { from, to, era, id, bytes } => {
                let is_here = self.is_up[to] && !self.is_cut(from, to);
                if is_here && self.pair(from, to).era == era && self.is_open(to, from) {
                    let token = self.number();
                    let since = plan.now();
                    let asked = Asked { asker: from, answerer: to, era, id, since };
                    self.tokens.insert(token, asked);
                    return Some((to, Signal::Asked { peer: from, token, bytes }));
                }
                // The side that dials speaks as soon as it is let in; so may the other.
                let is_dialling = self.dials.contains_key(&(to, from));
                if is_here && self.pair(from, to).era == era && is_dialling {
                    plan.after(20, Wire::Request { from, to, era, id, bytes }.into());
                }
            }
            Wire::Response { from, to, era, id, bytes } => {
                let is_awaited = self.pending.get(&(to, id)) == Some(&(from, era));
                if is_awaited && self.is_open(to, from) && !self.is_cut(from, to) {
                    self.pending.remove(&(to, id));
                    return Some((to, Signal::Answered { peer: from, id, answer: Ok(bytes) }));
                }
            }
            Wire::Expired { who, id, peer, era } => {
                // A restarted node begins to count anew, but its connections are others.
                if self.pending.get(&(who, id)) == Some(&(peer, era)) {
                    self.pending.remove(&(who, id));
                    let answer = Err(Failure::Timeout);
                    return Some((who, Signal::Answered { peer, id, answer }));
                }
            }
            Wire::Tell { to, life, signal } => {
                if self.is_up[to] && self.lives[to] == life {
                    return Some((to, signal));
                }
            }
        }
        None
    }

    fn reach<T: From<Wire>>(&mut self, plan: Plan<'_, T>, from: usize, to: usize, dial: u64) {
        let delay = self.latency(0);
        if !self.is_up[to] {
            plan.after(delay, Wire::DialFailed { from, to, dial }.into());
            return;
        }
        if self.is_open(to, from)
            && !self.is_open(from, to)
            && !self.dials.contains_key(&(to, from))
        {
            // What is left of an earlier connection.
            self.close(plan, to, from);
        }
        let is_second = self.is_open(to, from);
        if !is_second && !self.is_open(from, to) {
            self.pair(from, to).era += 1;
        }
        let era = self.pair(from, to).era;
        plan.after(delay, Wire::Accepted { from, to, dial, era }.into());
        if !is_second {
            self.set_open(to, from, true);
            self.tell(plan, to, Signal::Opened { peer: from, direction: Direction::Inbound });
        }
    }

    fn accepted<T: From<Wire>>(
        &mut self,
        plan: Plan<'_, T>,
        from: usize,
        to: usize,
        dial: u64,
        era: u64,
    ) {
        if self.dials.get(&(from, to)) != Some(&dial) {
            return;
        }
        self.dials.remove(&(from, to));
        if self.is_open(from, to) {
            return;
        }
        if self.pair(from, to).era != era {
            return self.tell(plan, from, Signal::DialFailed { peer: to });
        }
        self.set_open(from, to, true);
        self.tell(plan, from, Signal::Opened { peer: to, direction: Direction::Outbound });
        if !self.is_open(to, from) {
            // It was let in and shown out at once.
            self.close(plan, from, to);
        }
    }
}
