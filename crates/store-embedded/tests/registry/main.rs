//! The registry on disk: beside other processes, across restarts, and against the reference.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod folder;
mod processes;
mod random;
mod support;
