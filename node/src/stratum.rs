//! Work for external miners: the chain's templates on the Stratum port, and solutions back to it.

use crate::mining::Mining;
use blocktree_consensus::Difficulty;
use blocktree_import::Imported;
use blocktree_primitives::{Network, Principal};
use blocktree_runtime::{BlocktreeRuntime, Call};
use blocktree_service::Chain;
use blocktree_stratum::{Config, Handle, Outcome, Solution, Template, Templates, Unavailable};
use blocktree_wallet::refuse_dev_principal;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Opens the port.
///
/// # Errors
/// When it can't be opened.
pub(crate) fn start(
    address: SocketAddr,
    network: Network,
    chain: &Chain<BlocktreeRuntime>,
    mining: &Arc<Mining>,
    runtime: &tokio::runtime::Handle,
) -> io::Result<Handle> {
    let mut config = Config::new(address, network);
    config.payable = |network, principal| {
        refuse_dev_principal(network, principal).map_err(|refused| refused.to_string())
    };
    if chain.params().difficulty == Difficulty::Constant {
        // Every share is a block, and vardiff keeps the pace.
        config.is_unpaced = true;
        config.share_every = Duration::from_secs(1);
    }
    let work = Work { chain: chain.clone(), mining: Arc::clone(mining) };
    blocktree_stratum::start(config, Arc::new(work), runtime)
}

struct Work {
    chain: Chain<BlocktreeRuntime>,
    mining: Arc<Mining>,
}

impl Templates for Work {
    fn template(&self, principal: &Principal) -> Result<Template, Unavailable> {
        if self.mining.is_held() {
            return Err(Unavailable("the node is catching up with the network".into()));
        }
        let template = self.chain.template(principal).map_err(|e| Unavailable(e.to_string()))?;
        Ok(Template {
            header: template.header,
            commitment: template.commitment,
            target: template.target.to_le_bytes(),
            min_time: template.min_time,
            fees: template.fees.units(),
            body: template,
        })
    }

    fn generation(&self) -> u64 {
        self.chain.generation()
    }

    fn pool_generation(&self) -> u64 {
        let info = self.chain.pool().info();
        let mut hasher = DefaultHasher::new();
        (info.events, info.bytes, info.signers, info.parked).hash(&mut hasher);
        hasher.finish()
    }

    fn submit(&self, solution: Solution) -> Outcome {
        let body = Arc::clone(&solution.template.body);
        let Ok(template) = body.downcast::<blocktree_service::Template<Call>>() else {
            return Outcome::Refused("a template of another source".into());
        };
        let block = match template.solved(solution.header, solution.commitment) {
            Ok(block) => block,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        match self.chain.import_blocking(block) {
            Ok(Imported::NewTip { hash, .. }) => {
                let (height, events) = (solution.commitment.height.0, template.events.len());
                tracing::debug!(height, %hash, events, "block of a miner");
                Outcome::NewTip
            }
            Ok(Imported::Side(_) | Imported::Known(_)) => Outcome::Stale,
            Ok(Imported::Refused(violation)) => Outcome::Refused(violation.to_string()),
            Ok(other) => Outcome::Refused(format!("{other:?}")),
            Err(stopped) => Outcome::Refused(stopped.to_string()),
        }
    }
}
