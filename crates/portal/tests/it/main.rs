//! The portal in process: the real router on a store, a clock that is set by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]

mod brokers;
mod codecs;
mod document;
mod events;
mod export;
mod injection;
mod inventory;
mod management;
mod mirrors;
mod refusals;
mod retention;
mod scene;
mod sign_in;
mod strangers;
mod strings;
mod support;
mod then;
mod walk;
