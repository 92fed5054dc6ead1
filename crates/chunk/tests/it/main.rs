#![allow(clippy::unwrap_used, reason = "a test may")]

mod arbitrary;
mod corpus;
mod damage;
mod fixtures;
mod round_trip;
