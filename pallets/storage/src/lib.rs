//! Offers, placements, challenges and payouts.
