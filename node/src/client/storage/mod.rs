//! `blocktree storage`: every event of storage by itself, for scripts. Signed messages travel as
//! hex or as files between owner and provider.

mod challenge;
mod offer;
mod payout;
mod place;
mod provider;
mod term;

use super::Answer;
use anyhow::Result;
use clap::Subcommand;

/// Storage step by step, for scripts: offers, placements, proofs, payouts as single events
///
/// Owner and provider use the same commands, each with their own key. What one signs for the
/// other (`accept`, `receipt`, `sign-extension`) is printed as hex and handed over by whatever
/// way; the other puts it on the ledger (`place`, `payout`, `extend`).
#[derive(Debug, Subcommand)]
pub(crate) enum StorageCommand {
    Announce(provider::AnnounceArgs),
    Withdraw(provider::WithdrawArgs),
    Providers(provider::ProvidersArgs),
    Audit(provider::AuditArgs),
    Offer(offer::OfferArgs),
    Offers(offer::OffersArgs),
    Cancel(offer::CancelArgs),
    Accept(place::AcceptArgs),
    Place(place::PlaceArgs),
    Placements(place::PlacementsArgs),
    Demand(challenge::DemandArgs),
    #[command(visible_alias = "challenge")]
    Challenges(challenge::ChallengesArgs),
    Prove(challenge::ProveArgs),
    Receipt(payout::ReceiptArgs),
    Payout(payout::PayoutArgs),
    SignExtension(term::SignExtensionArgs),
    Extend(term::ExtendArgs),
    Exit(term::ExitArgs),
    Close(term::CloseArgs),
}

impl StorageCommand {
    /// Does it; also says whether the answer is to be JSON.
    pub(crate) async fn run(self) -> (bool, Result<Answer>) {
        match self {
            Self::Announce(args) => (args.event.link.json, args.run().await),
            Self::Withdraw(args) => (args.event.link.json, args.run().await),
            Self::Providers(args) => (args.link.json, args.run().await),
            Self::Audit(args) => (args.link.json, args.run().await),
            Self::Offer(args) => (args.event.link.json, args.run().await),
            Self::Offers(args) => (args.link.json, args.run().await),
            Self::Cancel(args) => (args.event.link.json, args.run().await),
            Self::Accept(args) => (args.link.json, args.run().await),
            Self::Place(args) => (args.event.link.json, args.run().await),
            Self::Placements(args) => (args.link.json, args.run().await),
            Self::Demand(args) => (args.event.link.json, args.run().await),
            Self::Challenges(args) => (args.link.json, args.run().await),
            Self::Prove(args) => (args.event.link.json, args.run().await),
            Self::Receipt(args) => (args.link.json, args.run().await),
            Self::Payout(args) => (args.event.link.json, args.run().await),
            Self::SignExtension(args) => (args.link.json, args.run().await),
            Self::Extend(args) => (args.event.link.json, args.run().await),
            Self::Exit(args) => (args.event.link.json, args.run().await),
            Self::Close(args) => (args.event.link.json, args.run().await),
        }
    }
}

/// A message that was signed for the other party: hex on standard output or in a file.
fn handed_over(
    name: &str,
    message: &impl parity_scale_codec::Encode,
    out: Option<&std::path::Path>,
    mut json: serde_json::Value,
) -> Result<Answer> {
    use anyhow::Context;
    let text = hex::encode(message.encode());
    if let serde_json::Value::Object(fields) = &mut json {
        fields.insert(name.to_owned(), text.clone().into());
    }
    let Some(path) = out else {
        return Ok(Answer::new(text, json));
    };
    std::fs::write(path, format!("{text}\n"))
        .with_context(|| format!("can't write {}", path.display()))?;
    Ok(Answer::new(format!("{name}  written to {}", path.display()), json))
}
