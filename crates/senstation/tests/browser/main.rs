//! The portal in a real browser, against the whole process, with no network beyond this machine.
//!
//! Without Chromium these tests say so and do nothing, except on CI, where they fail. With
//! `SENSTATION_SCREENSHOTS` they leave pictures in that folder.
#![allow(clippy::unwrap_used)]

mod browser;
mod elsewhere;
mod injection;
mod newcomer;
#[path = "../it/support.rs"]
#[expect(dead_code, reason = "the other tests of the process need more of it")]
mod support;
mod walk;
