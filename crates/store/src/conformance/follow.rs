//! Reading the log onwards from a position.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};

use model::{Position, Reading};

use super::fixtures::{Probe, at, frame, message, org, row};
use crate::{Appended, Entry, LogEntry, Message, Scope, Store, StoredUplink};

async fn follow(store: &dyn Store, scope: Scope, after: Position, limit: usize) -> (Vec<Position>, Position) {
    let followed = store.follow(scope, after, limit).await.expect("follow");
    (followed.entries.iter().map(|it| it.position).collect(), followed.next)
}

fn positions(appended: &[Appended]) -> Vec<Position> {
    appended.iter().map(|it| it.position).collect()
}

pub async fn what_was_appended_is_followed_as_it_was(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let twice = [Reading::new(1, 4098, 2.0), Reading::new(1, 4097, -0.0), Reading::new(1, 4098, 3.0)];
    let entries: Vec<Entry> = vec![
        StoredUplink { frame: Some(frame(&[1])), ..probe.uplink_of(1, [row(0, twice), row(-9, [])]) }.into(),
        probe.uplink_of(2, []).into(),
        Message { retain: false, payload: [].into(), ..message(probe.org, 3, "a/ü") }.into(),
        probe.redecode(Position::from_raw(1), 1, [row(1, [Reading::status(3502, model::Value::text("2"))])]).into(),
    ];
    let appended = probe.append(entries.clone()).await;
    let followed = store.follow(Scope::All, Position::START, 10).await.expect("follow");
    let expected = appended.iter().zip(entries).map(|(it, entry)| LogEntry { position: it.position, entry });
    assert_eq!(followed.entries, expected.collect::<Vec<_>>());
    assert_eq!(format!("{:?}", followed.entries).matches("-0.0").count(), 1, "to the last bit");
}

pub async fn reads_on_page_by_page_to_the_end(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let all = positions(&probe.append((0..7).map(|minute| probe.uplink(minute, []))).await);
    let mut next = Position::START;
    for page in all.chunks(3) {
        let (read, then) = follow(store, Scope::All, next, 3).await;
        assert_eq!((&read[..], then), (page, page[page.len() - 1]));
        next = then;
    }
    assert_eq!(follow(store, Scope::All, next, 3).await, (vec![], all[6]));
    let (read, _) = follow(store, Scope::All, all[4], 100).await;
    assert_eq!(read, all[5..]);
    let more = probe.append_one(probe.uplink(8, [])).await;
    assert_eq!(follow(store, Scope::All, next, 3).await, (vec![more], more));
}

pub async fn nothing_is_skipped_when_nothing_is_asked_for(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    probe.append((0..3).map(|minute| probe.uplink(minute, []))).await;
    assert_eq!(follow(store, Scope::All, Position::START, 0).await, (vec![], Position::START));
}

pub async fn one_organizations_follower_gets_its_entries_and_passes_over_others(store: &dyn Store) {
    let (mine, other) = (Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 2, 1).await);
    let entries: Vec<Entry> = vec![
        other.uplink(0, []).into(),
        mine.uplink(1, []).into(),
        message(other.org, 2, "a").into(),
        message(mine.org, 3, "a").into(),
        mine.uplink(4, []).into(),
        other.uplink(5, []).into(),
        other.uplink(6, []).into(),
    ];
    let all = positions(&mine.append(entries).await);
    let own = vec![all[1], all[3], all[4]];
    let scope = Scope::Org(mine.org);
    assert_eq!(follow(store, Scope::All, Position::START, 10).await, (all.clone(), all[6]));
    assert_eq!(follow(store, scope, Position::START, 10).await, (own.clone(), all[6]), "next is the end of the log");
    assert_eq!(follow(store, scope, all[4], 10).await, (vec![], all[6]), "also where only others' entries follow");
    let (read, next) = follow(store, scope, Position::START, 2).await;
    assert_eq!((read, next), (own[..2].to_vec(), all[3]));
    assert_eq!(follow(store, scope, next, 2).await, (own[2..].to_vec(), all[6]));
    assert_eq!(follow(store, Scope::Org(org(3)), Position::START, 10).await, (vec![], all[6]));
}

pub async fn an_empty_log_ends_where_it_starts(store: &dyn Store) {
    assert_eq!(follow(store, Scope::All, Position::START, 10).await, (vec![], Position::START));
    assert_eq!(follow(store, Scope::Org(org(1)), Position::START, 10).await, (vec![], Position::START));
}

pub async fn entries_come_in_the_order_of_positions(store: &dyn Store) {
    let probes = [Probe::bind_in(store, 1, 1).await, Probe::bind_in(store, 1, 2).await];
    for batch in 0..20_i64 {
        let uplinks = (0..10).map(|minute| probes[(minute % 2) as usize].uplink(batch * 10 - minute, []));
        probes[0].append(uplinks).await;
    }
    let (read, _) = follow(store, Scope::All, Position::START, 1_000).await;
    assert_eq!(read.len(), 200);
    assert!(read.is_sorted());
}

pub async fn duplicates_are_not_followed(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let uplink = probe.uplink(0, []);
    let position = probe.append_one(uplink.clone()).await;
    probe.append([StoredUplink { received_at: at(1), ..uplink }]).await;
    assert_eq!(follow(store, Scope::All, Position::START, 10).await, (vec![position], position));
}

pub async fn the_head_is_the_last_position_and_waiting_ends_behind_it(store: &dyn Store) {
    assert_eq!(store.head().await.expect("head"), Position::START);
    let probe = Probe::bind(store).await;
    let first = probe.append_one(probe.uplink(0, [])).await;
    assert_eq!(store.head().await.expect("head"), first);
    store.wait(Position::START).await.expect("there is something already");
    let mut waiting = pin!(store.wait(first));
    assert!(has_not_ended(&mut waiting).await, "there is nothing yet");
    let second = probe.append_one(probe.uplink(1, [])).await;
    waiting.await.expect("there is something now");
    assert_eq!(store.head().await.expect("head"), second);
}

/// Whether a future is still at work when asked once.
async fn has_not_ended<F: Future>(future: &mut Pin<&mut F>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}
