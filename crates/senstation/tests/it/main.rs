//! The whole process: what goes in by one door and comes out by another.
#![allow(clippy::unwrap_used)]

mod app_sign_in;
mod backup;
mod commands;
mod compression;
mod connections;
mod demo;
mod limits;
mod portal;
mod raw_http;
mod replay;
mod stream;
mod support;
mod tls;
mod uplink_to_answer;
