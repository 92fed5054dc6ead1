//! The whole process: what goes in by one door and comes out by another.
#![allow(clippy::unwrap_used)]

mod app_sign_in;
mod backup;
mod broker;
mod commands;
mod compression;
mod connections;
mod demo;
mod history;
mod ip_device;
mod limits;
mod live;
mod mirror;
mod mirror_jobs;
mod mqtt_client;
mod mqtt_doors;
mod portal;
mod raw_http;
mod replay;
mod rumqttc_clients;
mod stream;
mod support;
mod tls;
mod uplink_to_answer;
mod user_codecs;
