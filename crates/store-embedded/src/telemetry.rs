use std::sync::atomic::Ordering::Relaxed;

use async_trait::async_trait;
use model::{Day, DeviceId, OrgId, Position, Row, Timestamp, Window};
use store::{
    Appended, Entry, Error, ExpireKind, Followed, FrameQuery, LatestReading, RangeQuery, Revision, RowQuery, Scope,
    SegmentQuery, SegmentSeries, Select, Series, StoredFrame, Telemetry,
};

use crate::{
    EmbeddedStore,
    blob::Sealed,
    entry,
    janitor::Job,
    query,
    scan::{Scan, Snapshot},
    state::Last,
    writer::Command,
};

/// However little memory open rows are to take, so much never is too much.
const OPEN_BYTES_FLOOR: u64 = 64 << 20;

impl EmbeddedStore {
    /// Runs a query over a device's rows in a window; here if memory has them all, else on a
    /// reader's thread. `None` if the organization has no such device.
    async fn scan<T: Send + 'static>(
        &self,
        org: OrgId,
        device: DeviceId,
        window: Window,
        f: impl FnOnce(Scan<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        let Some(snapshot) = Snapshot::take(&self.shared, org, device, window) else { return Ok(None) };
        if !snapshot.needs_chunks(window) {
            return f(Scan { rows: None, device, window, snapshot }).map(Some);
        }
        let answer = self
            .readers
            .with(&self.shared, move |_, reader| f(Scan { rows: Some(&reader.rows), device, window, snapshot }));
        answer.await.map(Some)
    }

    /// Finds a device's newest values anew, after what they were was replaced.
    async fn find_latest(&self, org: OrgId, device: DeviceId) -> Result<Vec<Last>, Error> {
        let changes = self.shared.devices.peek(org, device, |state| state.changes);
        let found = self.scan(org, device, Window::ALL, query::latest::find).await?.unwrap_or_default();
        self.shared.devices.change(device, |state| {
            // Unless something came in meanwhile; then the next query looks again.
            if Some(state.changes) == changes {
                state.last.clone_from(&found);
                state.last_is_stale = false;
            }
        });
        Ok(found)
    }
}

#[async_trait]
impl Telemetry for EmbeddedStore {
    async fn append(&self, entries: Vec<Entry>) -> Result<Vec<Appended>, Error> {
        entries.iter().try_for_each(Entry::check)?;
        let open_bytes_max = self.shared.settings.open_bytes_max.max(OPEN_BYTES_FLOOR).saturating_mul(4);
        if self.shared.open_bytes.load(Relaxed) > open_bytes_max {
            return Err(Error::Unavailable("rows arrive faster than they can be sealed; see the log".into()));
        }
        let sealed = entries.into_iter().map(|entry| {
            let mut bytes = Vec::with_capacity(128);
            entry::encode(&mut bytes, &entry);
            (entry, Sealed::new(bytes))
        });
        let entries = sealed.collect();
        self.ask_writer(|reply| Command::Append { entries, reply }).await
    }

    async fn latest(&self, org: OrgId, device: DeviceId, select: Select) -> Result<Vec<LatestReading>, Error> {
        let meant = |last: &[Last]| {
            let meant = last.iter().filter(|last| select.matches(last.series));
            meant.map(Last::reading).collect::<Vec<_>>()
        };
        let known = self.shared.devices.peek(org, device, |state| (!state.last_is_stale).then(|| meant(&state.last)));
        match known {
            None => Ok(Vec::new()),
            Some(Some(latest)) => Ok(latest),
            Some(None) => Ok(meant(&self.find_latest(org, device).await?)),
        }
    }

    async fn range(&self, org: OrgId, query: RangeQuery) -> Result<Vec<Series>, Error> {
        let answer = self.scan(org, query.device, query.window, move |scan| query::range::range(scan, query));
        Ok(answer.await?.unwrap_or_default())
    }

    async fn rows(&self, org: OrgId, query: RowQuery) -> Result<Vec<Row>, Error> {
        let answer = self.scan(org, query.device, query.window, move |scan| query::rows::rows(scan, query));
        Ok(answer.await?.unwrap_or_default())
    }

    async fn decodings(
        &self,
        org: OrgId,
        device: DeviceId,
        through: Position,
    ) -> Result<Vec<(Position, Position)>, Error> {
        let answer = self.scan(org, device, Window::ALL, move |scan| query::decodings::decodings(scan, through));
        Ok(answer.await?.unwrap_or_default())
    }

    async fn segments(&self, org: OrgId, query: SegmentQuery) -> Result<Vec<SegmentSeries>, Error> {
        query.check()?;
        let answer = self.scan(org, query.device, query.window, move |scan| query::segments::segments(scan, query));
        Ok(answer.await?.unwrap_or_default())
    }

    async fn frames(&self, org: OrgId, query: FrameQuery) -> Result<Vec<StoredFrame>, Error> {
        let found = self.shared.devices.peek(org, query.device, |state| {
            // Before the rows: a frame is in the log, or kept, or for a moment in both.
            (self.shared.frames_through(), state.open.rows())
        });
        let Some((kept_through, open)) = found else { return Ok(Vec::new()) };
        let answer =
            self.readers.with(&self.shared, move |_, reader| query::frames::frames(reader, query, &open, kept_through));
        answer.await
    }

    async fn follow(&self, scope: Scope, after: Position, limit: usize) -> Result<Followed, Error> {
        if let Some(followed) = query::follow::follow_closely(&self.shared, scope, after, limit) {
            return followed;
        }
        let answer = self
            .readers
            .with(&self.shared, move |shared, reader| query::follow::follow(shared, reader, scope, after, limit));
        answer.await
    }

    async fn head(&self) -> Result<Position, Error> {
        Ok(self.shared.ledger().head)
    }

    async fn wait(&self, after: Position) -> Result<(), Error> {
        // The sender lives as long as the store.
        self.shared.head.subscribe().wait_for(|head| *head > after).await.map(drop).map_err(Error::internal)
    }

    async fn expire(&self, org: OrgId, device: DeviceId, before: Timestamp, kind: ExpireKind) -> Result<u64, Error> {
        let mut removed = 0;
        // Between two slices the janitor does what else is due.
        loop {
            let slice = self.ask_janitor(|reply| Job::Expire { org, device, before, kind, reply }).await?;
            removed += slice.removed;
            if slice.is_last {
                return Ok(removed);
            }
        }
    }

    async fn count_old(&self, org: OrgId, device: DeviceId, before: Timestamp, kind: ExpireKind) -> Result<u64, Error> {
        self.ask_janitor(|reply| Job::CountOld { org, device, before, kind, reply }).await
    }

    async fn purge(&self, org: OrgId, device: DeviceId) -> Result<(), Error> {
        self.ask_janitor(|reply| Job::Purge { org, device, reply }).await
    }

    async fn last_heard(&self, org: OrgId, device: DeviceId) -> Result<Option<Timestamp>, Error> {
        Ok(self.shared.devices.peek(org, device, |state| state.heard_at).flatten())
    }

    async fn count_um(&self, org: OrgId) -> Result<u64, Error> {
        Ok(self.shared.ledger().um.get(&org).copied().unwrap_or_default())
    }

    async fn list_um(&self, org: OrgId, first: Day, last: Day) -> Result<Vec<(Day, u64)>, Error> {
        let ledger = self.shared.ledger();
        let days = ledger.um_by_day.get(&org).into_iter().flatten();
        Ok(days.filter(|(day, _)| (first..=last).contains(day)).copied().collect())
    }

    async fn revision(&self, org: OrgId, device: DeviceId) -> Result<Revision, Error> {
        let known = self.shared.devices.peek(org, device, |state| (state.through.get(), state.changes));
        Ok(known.map_or(Revision::default(), |(through, changes)| Revision::from_raw(through, changes)))
    }
}
