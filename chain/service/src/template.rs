//! Blocks without their proof of work.

use crate::Chain;
use crate::command::Command;
use crate::fill::{Counted, Filled, fill};
use blocktree_consensus::{
    BlockContext, BlockExecutor, Body, Candidate, CheckedEvent, EncodedEvent, Executed, Runtime,
    Target, Weight, merkle,
};
use blocktree_import::{ChainReader, Published};
use blocktree_primitives::{
    Amount, BlockHash, Commitment, EventId, EventRoot, Header, Height, Principal, StateRoot,
};
use blocktree_state::Fault;
use parity_scale_codec::Encode;
use std::sync::Arc;

/// How often a template is begun anew because the tip moved meanwhile.
const ATTEMPTS: usize = 8;
/// Templates kept for solutions to come back to.
pub(crate) const KEPT: usize = 64;

/// A block that lacks its proof of work.
#[derive(Clone, Debug)]
pub struct Template<C> {
    /// Tells templates of this node apart.
    pub id: u64,
    /// The header with required bits and a valid time; nonce 0.
    pub header: Header,
    /// What it commits to; extra nonce 0.
    pub commitment: Commitment,
    /// What the hash must not exceed.
    pub target: Target,
    /// The earliest time that is valid.
    pub min_time: u32,
    /// The events.
    pub events: Arc<[Arc<CheckedEvent<C>>]>,
    /// Their fees.
    pub fees: Amount,
    /// Their weight.
    pub weight: Weight,
}

/// Why there is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Blocks came faster than a template could be made.
    #[error("the tip moves too fast for a template; ask again")]
    TipMoves,
    /// No template of this number, or one so old that it was forgotten.
    #[error("template {0} is not known any more; get a new one")]
    Unknown(u64),
    /// The header or commitment that came back is not the template's.
    #[error("the solution changes {0}, which a template fixes")]
    NotTheTemplate(&'static str),
    /// The disk.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl<R: Runtime> Chain<R> {
    /// A template whose reward goes to `miner`, on the present tip, with the best paying events.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub fn template(&self, miner: &Principal) -> Result<Arc<Template<R::Call>>, TemplateError> {
        for _ in 0..ATTEMPTS {
            if let Some(template) = self.try_template(miner)? {
                let template = Arc::new(template);
                self.remember(Arc::clone(&template));
                return Ok(template);
            }
        }
        Err(TemplateError::TipMoves)
    }

    /// `None` if the tip moved meanwhile.
    fn try_template(&self, miner: &Principal) -> Result<Option<Template<R::Call>>, TemplateError> {
        let published = self.published();
        let Some(height) = published.tip().height.next() else {
            return Err(Fault::Bug("a chain of 2^64 blocks".into()).into());
        };
        let (events, executed) = self.fill(&published, height, miner)?;
        let Some(state_root) = self.root_after(&published, &executed)? else { return Ok(None) };
        let leaves = published.tip().height.0.saturating_add(1);
        let history = ChainReader(&*published.snapshot).peaks(leaves)?;
        let hashes: Vec<[u8; 32]> = events.iter().map(|event| event.leaf()).collect();
        let commitment = Commitment {
            height,
            miner: *miner,
            event_root: EventRoot(merkle::root(&hashes)),
            state_root,
            history_root: history.root(),
            extra_nonce: [0; 8],
        };
        let bad_params = |error| Fault::Bug(format!("the chain's parameters: {error}"));
        let header = published
            .context
            .draft(self.params(), commitment.hash(), self.now())
            .map_err(bad_params)?;
        Ok(Some(Template {
            id: self.next_template(),
            header,
            commitment,
            target: Target::from_bits(header.bits).map_err(bad_params)?,
            min_time: published.context.times.median().saturating_add(1),
            events: events.into(),
            fees: executed.fees,
            weight: executed.weights.all(),
        }))
    }

    fn root_after(
        &self,
        published: &Published,
        executed: &Executed<R::Effect>,
    ) -> Result<Option<StateRoot>, Fault> {
        self.with_map(|map, now| {
            if now.tip().hash != published.tip().hash {
                return Ok(None);
            }
            map.preview(&*now.snapshot, &executed.delta).map(Some)
        })
    }

    /// Folds the best paying events that fit.
    #[allow(clippy::type_complexity)] // two things of one step, used in one place
    fn fill(
        &self,
        published: &Published,
        height: Height,
        miner: &Principal,
    ) -> Result<(Vec<Arc<CheckedEvent<R::Call>>>, Executed<R::Effect>), Fault> {
        let context = BlockContext {
            height,
            parent: published.tip().hash,
            parent_median_time: published.context.times.median(),
            genesis: self.genesis(),
        };
        let state = published.state();
        let state = Counted::new(&state);
        let executor = BlockExecutor::new(&**self.runtime(), &state, context)?;
        let Filled { executor, taken, refused } =
            fill(executor, &state, |walk, count| self.pool().walk(walk, count))?;
        self.report_refused(published.tip().hash, refused);
        Ok((taken, executor.finish(miner)?))
    }

    /// Best effort: if the writer is busy, the next template tells again.
    fn report_refused(&self, tip: BlockHash, events: Vec<(EventId, String)>) {
        if !events.is_empty() {
            self.try_send(Command::Refused { tip, events });
        }
    }

    /// [`Template::solved`] of a template that this node gave out lately.
    ///
    /// # Errors
    /// [`TemplateError::Unknown`] or [`TemplateError::NotTheTemplate`].
    pub fn solved(
        &self,
        template: u64,
        header: Header,
        commitment: Commitment,
    ) -> Result<Candidate<R::Call>, TemplateError> {
        let template = self.remembered(template).ok_or(TemplateError::Unknown(template))?;
        template.solved(header, commitment)
    }
}

impl<C: Clone + Encode> Template<C> {
    /// The block that a solution makes of the template: only time, version, nonce and extra nonce
    /// may differ.
    ///
    /// # Errors
    /// [`TemplateError::NotTheTemplate`].
    pub fn solved(
        &self,
        header: Header,
        commitment: Commitment,
    ) -> Result<Candidate<C>, TemplateError> {
        let extra_nonce = commitment.extra_nonce;
        if commitment != (Commitment { extra_nonce, ..self.commitment }) {
            return Err(TemplateError::NotTheTemplate("the commitment"));
        }
        let Header { version, time, nonce, .. } = header;
        let expected =
            Header { version, time, nonce, commitment: commitment.hash(), ..self.header };
        if header != expected {
            return Err(TemplateError::NotTheTemplate("the header"));
        }
        let events = self.events.iter().map(|event| EncodedEvent::from(event.event().clone()));
        let body = Body::new(events.collect())
            .map_err(|error| Fault::Bug(format!("a template with too many events: {error}")))?;
        Ok(Candidate { header, commitment, body })
    }
}
