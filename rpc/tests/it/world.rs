//! A chain with something of everything that the ledger can hold.

use crate::node::{COINBASE, NETWORK, Node, key, leaves, principal, transfer};
use crate::peering::Pretended;
use blocktree_primitives::bounded::BoundedVec;
use blocktree_primitives::{
    Amount, BlockPath, ContentHash, EventId, FragmentRoot, Height, Name, OfferId, PlacementId,
    SecretKey, Span,
};
use blocktree_runtime::Call;
use pallet_storage::{
    Acceptance, Authority, Call as Storage, Claim, Code, Codec, Evidence, NewOffer, Terms,
    placement_id,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// 1000 bytes: leaves of 256, 256, 256 and 232.
const FRAGMENT_LEN: usize = 1000;

/// A chain with a transfer, a binding, an offer, a placement and a pending challenge.
pub(crate) struct World {
    pub(crate) node: Node,
    pub(crate) owner: SecretKey,
    pub(crate) provider: SecretKey,
    pub(crate) path: String,
    pub(crate) transfer: EventId,
    pub(crate) offer: OfferId,
    pub(crate) placement: PlacementId,
    pub(crate) fragment: Vec<u8>,
}

fn tree_block(owner: &SecretKey) -> BlockPath {
    BlockPath::new(principal(owner), vec![Name::new("cat.jpg").unwrap()]).unwrap()
}

/// An offer of the tests' tree block.
pub(crate) fn new_offer(owner: &SecretKey) -> NewOffer {
    NewOffer {
        authority: Authority::Root,
        path: tree_block(owner),
        version: 1,
        code: Code {
            codec: Codec::ReedSolomon,
            k: 1,
            n: 2,
            fragment_size: FRAGMENT_LEN as u64,
            params: BoundedVec::new(),
        },
        content_hash: ContentHash([3; 32]),
        terms: Terms {
            payment: Amount::from_units(100_000),
            period: Span(12),
            payments: 10,
            collateral: Amount::from_units(1_000_000),
        },
        expires_at: Height(200),
    }
}

impl World {
    /// Makes all that.
    pub(crate) async fn new() -> Self {
        let node = Node::start_with(Some(Arc::new(Pretended::default()))).await;
        let (owner, provider) = (key(0), key(1));
        let transfer = node.send(&owner, transfer(principal(&key(2)), 5_000_000)).await;
        let bind = pallet_binding::Call::Bind {
            addresses: vec![b"/ip4/127.0.0.1/tcp/9945".to_vec().try_into().unwrap()]
                .try_into()
                .unwrap(),
            valid_until: Height(500),
        };
        node.send(&provider, Call::Binding(bind)).await;
        let announce = Storage::Announce {
            capacity: 1 << 40,
            min_payment: Amount::from_units(1),
            pot: Amount::from_units(10_000_000),
        };
        node.send(&provider, Call::Storage(announce)).await;
        let offer = node.send(&owner, Call::Storage(Storage::Offer(new_offer(&owner)))).await;
        let offer = OfferId::from(offer);
        node.mine(1).await;
        let fragment: Vec<u8> = (0..FRAGMENT_LEN).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let acceptance = Acceptance {
            offer,
            fragment_id: 0,
            provider: principal(&provider),
            root: FragmentRoot(blocktree_consensus::merkle::root(&leaves(&fragment))),
            size: FRAGMENT_LEN as u64,
            valid_until: Height(100),
        };
        let acceptance = acceptance.sign(&node.chain.genesis(), &provider);
        let acceptances = vec![acceptance].try_into().unwrap();
        node.send(&owner, Call::Storage(Storage::Place { offer, acceptances })).await;
        node.mine(1).await;
        let placement = placement_id(&offer, 0);
        let path = tree_block(&owner).to_text(NETWORK);
        let world = Self { node, owner, provider, path, transfer, offer, placement, fragment };
        world.challenge().await;
        world
    }

    /// Has the placement challenged, if it is not already.
    async fn challenge(&self) {
        if self.placement().await["challenge"].is_null() {
            let demand = Storage::Demand { placement: self.placement };
            self.node.send(&self.owner, Call::Storage(demand)).await;
            self.node.mine(2).await;
        }
        assert!(self.placement().await["challenge"].is_object());
    }

    /// The placement as it stands.
    pub(crate) async fn placement(&self) -> Value {
        self.node.ask("storage_getPlacement", json!([self.placement.to_string()])).await
    }

    /// The payout that answers the pending challenge.
    pub(crate) async fn payout(&self) -> Call {
        let leaf = self.placement().await["challenge"]["leaf"].as_u64().unwrap();
        let leaf = usize::try_from(leaf).unwrap();
        let siblings = blocktree_consensus::merkle::prove(&leaves(&self.fragment), leaf).unwrap();
        let bytes = self.fragment.chunks(256).nth(leaf).unwrap().to_vec();
        let evidence = Evidence::Proof {
            leaf: bytes.try_into().unwrap(),
            siblings: siblings.try_into().unwrap(),
        };
        let claims = vec![Claim { placement: self.placement, evidence }].try_into().unwrap();
        Call::Storage(Storage::Payout { claims })
    }
}

/// A block on the tip, encoded.
pub(crate) fn whole_block(node: &Node) -> String {
    let template = node.chain.template(&COINBASE).unwrap();
    let mut header = template.header;
    while !template.target.is_met_by(&header.hash()) {
        header.nonce += 1;
    }
    hex::encode(template.solved(header, template.commitment).unwrap().encoded())
}
