//! RaptorQ: each stripe is one source block of RFC 6330, of one sub-block.

use std::collections::BTreeMap;

use raptorq::{
    EncodingPacket, ObjectTransmissionInformation, PayloadId, SourceBlockDecoder,
    SourceBlockEncoder, SourceBlockEncodingPlan,
};

use super::{FragmentId, Layout};

/// Symbols of 8 bytes' alignment; they are multiples of 64.
const ALIGNMENT: u8 = 8;

fn information(layout: Layout) -> ObjectTransmissionInformation {
    let symbol = u16::try_from(layout.symbol()).expect("at most 32,768");
    ObjectTransmissionInformation::new(layout.stripe() as u64, symbol, 1, 1, ALIGNMENT)
}

pub(crate) struct RaptorQ {
    layout: Layout,
    ids: Vec<FragmentId>,
    information: ObjectTransmissionInformation,
    /// The same for every stripe: it depends on k alone. None if there are only originals.
    plan: Option<SourceBlockEncodingPlan>,
}

impl RaptorQ {
    pub(crate) fn new(layout: Layout, ids: &[FragmentId]) -> Self {
        let k = u16::try_from(layout.k()).expect("at most 256");
        let plan =
            ids.iter().any(|id| id.0 >= u32::from(k)).then(|| SourceBlockEncodingPlan::generate(k));
        Self { layout, ids: ids.to_vec(), information: information(layout), plan }
    }

    /// Codes one stripe; `out` has a symbol for each id, in their order.
    pub(crate) fn encode(&self, stripe: &[u8], out: &mut [u8]) {
        let symbol = self.layout.symbol();
        let encoder = self
            .plan
            .as_ref()
            .map(|plan| SourceBlockEncoder::with_encoding_plan(0, &self.information, stripe, plan));
        for (id, slot) in self.ids.iter().zip(out.chunks_exact_mut(symbol)) {
            let id = id.0 as usize;
            if let Some(original) = stripe.chunks_exact(symbol).nth(id) {
                slot.copy_from_slice(original);
            } else if let Some(encoder) = &encoder {
                let repair = u32::try_from(id - self.layout.k()).expect("an id is a u32");
                for packet in encoder.repair_packets(repair, 1) {
                    slot.copy_from_slice(packet.data());
                }
            }
        }
    }
}

/// The padded payload from `bodies`, each whole; none if these do not determine it.
pub(crate) fn decode(layout: Layout, bodies: &BTreeMap<FragmentId, &[u8]>) -> Option<Vec<u8>> {
    let symbol = layout.symbol();
    let information = information(layout);
    let mut payload = Vec::with_capacity(layout.padded());
    for stripe in 0..layout.stripes() {
        let packets = bodies.iter().map(|(id, body)| {
            let symbol = body[stripe * symbol..][..symbol].to_vec();
            EncodingPacket::new(PayloadId::new(0, id.0), symbol)
        });
        let mut decoder = SourceBlockDecoder::new(0, &information, layout.stripe() as u64);
        payload.extend_from_slice(&decoder.decode(packets)?);
    }
    Some(payload)
}
