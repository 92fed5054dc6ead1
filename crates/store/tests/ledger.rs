//! The ledger for tests that kill a process: a sound store passes, and every way to lose, tear or
//! double what was acknowledged is found out.

use std::fmt::Write as _;

use model::{DedupKey, Position};
use store::{
    Appended, Entry, Reference, Scope, Store, Telemetry,
    conformance::random::{Checked, Ledger, Rng, check},
};

const SEED: u64 = 11;
const LANES: u8 = 3;

/// A writer that is killed several times; sometimes the store had the batch whose answer was not
/// seen, and sometimes the line was cut short.
async fn write(store: &dyn Store) -> String {
    let mut rng = Rng::new(5);
    let mut lines = String::new();
    for _ in 0..12 {
        let mut lanes = Vec::new();
        for lane in 0..LANES {
            let mut ledger = Ledger::resume(SEED, lane, &lines).expect("resume");
            ledger.prepare(store).await.expect("prepare");
            lanes.push(ledger);
        }
        for _ in 0..rng.below(40) {
            let at = rng.index(lanes.len());
            let ledger = &mut lanes[at];
            let appended = store.append(ledger.next_batch()).await.expect("append");
            writeln!(lines, "{}", ledger.acknowledge(&appended)).expect("write");
        }
        for ledger in &mut lanes {
            if rng.percent(50) {
                let appended = store.append(ledger.next_batch()).await.expect("append");
                if rng.percent(50) {
                    let line = ledger.acknowledge(&appended);
                    writeln!(lines, "{}", &line[..line.len() - 4]).expect("write");
                }
            }
        }
    }
    lines
}

async fn log(store: &Reference) -> Vec<(Position, Entry)> {
    let log = store.follow(Scope::All, Position::START, usize::MAX).await.expect("follow");
    log.entries.into_iter().map(|it| (it.position, it.entry)).collect()
}

/// Checks a store that holds another log than the one that was written.
async fn check_changed(change: impl FnOnce(&mut Vec<(Position, Entry)>, &str)) -> Result<Checked, String> {
    let store = Reference::new();
    let lines = write(&store).await;
    let mut entries = log(&store).await;
    change(&mut entries, &lines);
    let changed = Reference::new();
    for lane in 0..LANES {
        Ledger::resume(SEED, lane, "").expect("resume").prepare(&changed).await.expect("prepare");
    }
    for (position, entry) in entries {
        changed.append_at(entry, position).expect("append");
    }
    check(&changed, SEED, LANES, &lines).await
}

#[tokio::test]
async fn a_sound_store_passes_whatever_its_log_has_forgotten() {
    let store = Reference::new();
    let lines = write(&store).await;
    let whole = check(&store, SEED, LANES, &lines).await.expect("it is sound");
    let last = log(&store).await.len() as u64;
    for oldest in [1, last / 3, last / 3 + 1, last / 3 + 2, last - 40, last - 1, last] {
        store.trim(Position::from_raw(oldest)).expect("trim");
        let checked = check(&store, SEED, LANES, &lines).await.expect("it is sound");
        assert_eq!((checked.acknowledged, checked.rows), (whole.acknowledged, whole.rows));
    }
}

/// Positions of what the lines acknowledge.
fn acknowledged(lines: &str) -> Vec<u64> {
    let lines = lines.lines().filter(|line| line.ends_with("end"));
    lines.flat_map(|line| line.split(' ').skip(5)).filter_map(|word| word.parse().ok()).collect()
}

fn find(entries: &[(Position, Entry)], is: impl Fn(&(Position, Entry)) -> bool) -> usize {
    entries.iter().rposition(is).expect("there is such an entry")
}

#[tokio::test]
async fn a_sound_store_passes() {
    let checked = check_changed(|_, _| {}).await.expect("it is sound");
    assert!(checked.acknowledged > 1_000, "{checked:?}");
    assert!(checked.unacknowledged > 0, "{checked:?}");
    assert!(checked.rows > 1_000, "{checked:?}");
}

#[tokio::test]
async fn a_missing_entry_is_found_out() {
    let missing = check_changed(|entries, lines| {
        let acknowledged = acknowledged(lines);
        let at = find(entries, |(position, entry)| {
            matches!(entry, Entry::Uplink(_)) && acknowledged.contains(&position.get())
        });
        entries.remove(at);
    });
    let what = missing.await.expect_err("an entry is missing");
    assert!(what.contains("was answered"), "{what}");
}

#[tokio::test]
async fn a_missing_message_or_decoding_is_found_out() {
    for is in [|entry: &Entry| matches!(entry, Entry::Message(_)), |entry: &Entry| matches!(entry, Entry::Redecode(_))]
    {
        let missing = check_changed(|entries, lines| {
            let acknowledged = acknowledged(lines);
            let at = find(entries, |(position, entry)| is(entry) && acknowledged.contains(&position.get()));
            entries.remove(at);
        });
        assert!(missing.await.is_err());
    }
}

#[tokio::test]
async fn a_doubled_entry_is_found_out() {
    let doubled = check_changed(|entries, _| {
        let (last, entry) = entries.last().cloned().expect("something was written");
        entries.push((Position::from_raw(last.get() + 1), entry));
    });
    assert!(doubled.await.is_err());
}

#[tokio::test]
async fn a_torn_batch_is_found_out() {
    let torn = check_changed(|entries, lines| {
        // Of a batch that nobody saw acknowledged and that has several entries, one.
        let acknowledged = acknowledged(lines);
        let batch = |entry: &Entry| match entry {
            Entry::Uplink(uplink) => Some((uplink.dedup.0 as u64) >> 10),
            Entry::Redecode(_) | Entry::Message(_) => None,
        };
        let is_one_of_several = |(position, entry): &(Position, Entry)| {
            let entries = || entries.iter().filter(|(_, other)| batch(other) == batch(entry));
            batch(entry).is_some()
                && !entries().any(|(position, _)| acknowledged.contains(&position.get()))
                && entries().count() > 1
                && !lines.split([' ', '\n']).any(|word| word == format!("{position}d"))
        };
        let at = find(entries, is_one_of_several);
        entries.remove(at);
    });
    let what = torn.await.expect_err("a batch is torn");
    assert!(what.contains("torn"), "{what}");
}

#[tokio::test]
async fn a_cut_entry_is_found_out() {
    let cut = check_changed(|entries, _| {
        let at = find(entries, |(_, entry)| entry.rows().len() > 1);
        if let Entry::Uplink(uplink) = &mut entries[at].1 {
            uplink.rows.pop();
        }
        if let Entry::Redecode(redecode) = &mut entries[at].1 {
            redecode.rows.pop();
        }
    });
    assert!(cut.await.is_err());
}

#[tokio::test]
async fn a_missing_frame_is_found_out() {
    let cut = check_changed(|entries, _| {
        let at = find(entries, |(_, entry)| matches!(entry, Entry::Uplink(uplink) if uplink.frame.is_some()));
        if let Entry::Uplink(uplink) = &mut entries[at].1 {
            uplink.frame = None;
        }
    });
    assert!(cut.await.is_err());
}

#[tokio::test]
async fn what_nobody_wrote_is_found_out() {
    let foreign = check_changed(|entries, _| {
        let at = find(entries, |(_, entry)| matches!(entry, Entry::Uplink(_)));
        if let Entry::Uplink(uplink) = &mut entries[at].1 {
            uplink.dedup = DedupKey(0);
            uplink.rows.clear();
        }
    });
    assert!(foreign.await.is_err());
}

#[tokio::test]
async fn an_entry_at_another_position_than_was_said_is_found_out() {
    let moved = check_changed(|entries, lines| {
        let acknowledged = acknowledged(lines);
        let at = find(entries, |(position, _)| acknowledged.contains(&position.get()));
        entries[at].0 = Position::from_raw(1 << 40);
    });
    assert!(moved.await.is_err());
}

#[tokio::test]
async fn a_lane_goes_on_after_the_last_whole_line() {
    let store = Reference::new();
    let mut ledger = Ledger::resume(SEED, 0, "").expect("resume");
    ledger.prepare(&store).await.expect("prepare");
    let first = ledger.next_batch();
    let appended = store.append(first.clone()).await.expect("append");
    let line = ledger.acknowledge(&appended);
    assert_ne!(ledger.next_batch(), first);

    let mut cut = Ledger::resume(SEED, 0, &line[..line.len() - 1]).expect("resume");
    cut.prepare(&store).await.expect("prepare");
    assert_eq!(cut.next_batch(), first, "a line without its end was never printed");
    let again = store.append(cut.next_batch()).await.expect("append");
    assert!(again.iter().all(|Appended { duplicate, .. }| *duplicate));
    assert!(Ledger::resume(SEED, 0, "acknowledged 0 x end").is_err());
}
