use std::collections::BTreeSet;

use model::{OrgId, Position};
use rusqlite::{Connection, params};
use store::{Error, Followed, LogEntry, Scope};

use crate::{
    bytes::Take,
    entry::{self, Logged},
    error::{damaged_bytes, sqlite},
    log::{self, Commit},
    readers::Reader,
    shared::Shared,
};

/// The entries after a position.
pub(crate) fn follow(
    shared: &Shared,
    reader: &Reader,
    scope: Scope,
    after: Position,
    limit: usize,
) -> Result<Followed, Error> {
    // Memory before disk: a checkpoint moves the list of commits from one to the other.
    let (head, fresh) = {
        let ledger = shared.ledger();
        let fresh = match scope {
            Scope::Org(org) => ledger.commits.get(&org).cloned().unwrap_or_default(),
            Scope::All => Vec::new(),
        };
        (ledger.head, fresh)
    };
    let mut reading = Reading { scope, after, head, limit, entries: Vec::new(), seen: after };
    let mut is_cut = false;
    if limit > 0 {
        match scope {
            Scope::All => log::each_after(&reader.log, after, |commit| reading.take(&commit))?,
            Scope::Org(org) => {
                let mut commits = BTreeSet::new();
                is_cut = !list(&mut commits, &reader.rows, org, after, head, limit)?;
                // What is fresh comes behind all that is listed.
                if !is_cut {
                    commits.extend(fresh);
                }
                // The last commit that starts at or before `after` may go on behind it.
                let first = commits.range(..=after).next_back().copied().unwrap_or(after);
                for start in commits.range(first..) {
                    let Some(commit) = log::find(&reader.log, *start)? else { continue };
                    if !reading.take(&commit)? {
                        break;
                    }
                }
            }
        }
    }
    reading.end(shared, after, is_cut)
}

/// The same out of memory, if all of it is there.
pub(crate) fn follow_closely(
    shared: &Shared,
    scope: Scope,
    after: Position,
    limit: usize,
) -> Option<Result<Followed, Error>> {
    // What is known to be there by now is in the tail before.
    let head = shared.ledger().head;
    // Each but the first has an entry behind `after`; an organization's may be in none of them.
    let most = if matches!(scope, Scope::All) { limit.saturating_add(1) } else { usize::MAX };
    let commits = shared.tail().after(after, most)?;
    let is_cut = commits.len() == most;
    let mut reading = Reading { scope, after, head, limit, entries: Vec::new(), seen: after };
    for commit in commits {
        match reading.take(&commit) {
            Ok(true) => {}
            Ok(false) => break,
            Err(cause) => return Some(Err(cause)),
        }
    }
    Some(reading.end(shared, after, is_cut))
}

struct Reading {
    scope: Scope,
    after: Position,
    head: Position,
    limit: usize,
    entries: Vec<LogEntry>,
    /// Everything up to here has been looked at.
    seen: Position,
}

impl Reading {
    /// What was read, and where to go on; `is_cut` if there is more than was looked at.
    fn end(self, shared: &Shared, after: Position, is_cut: bool) -> Result<Followed, Error> {
        let oldest = shared.trimmed();
        if after < oldest {
            return Err(Error::Trimmed { oldest });
        }
        let next = match self.entries.last() {
            Some(last) if self.entries.len() == self.limit => last.position,
            _ if self.limit == 0 => after,
            _ if is_cut => self.seen,
            _ => self.head.max(after),
        };
        Ok(Followed { entries: self.entries, next })
    }

    /// Takes what is meant of a commit; whether more is wanted.
    ///
    /// What is damaged is named in the program's log and passed over: it must not keep a reader
    /// from what comes behind it.
    fn take(&mut self, commit: &Commit) -> Result<bool, Error> {
        if commit.position > self.head {
            return Ok(false);
        }
        let Ok(blob) = commit.blob() else { return Ok(true) };
        for (position, _, bytes) in blob.entries().filter(|(position, ..)| *position > self.after) {
            if self.entries.len() == self.limit {
                return Ok(false);
            }
            if let (Scope::Org(org), Ok(bytes)) = (self.scope, bytes)
                && entry::owner(bytes).is_ok_and(|(owner, _)| owner != org)
            {
                continue;
            }
            match bytes.and_then(entry::decode) {
                Ok(Logged::Entry(entry)) => self.entries.push(LogEntry { position, entry }),
                Ok(Logged::Erased { .. }) => {}
                Err(cause) => drop(damaged_bytes(format!("the log's entry at position {position}"), cause)),
            }
        }
        self.seen = self.seen.max(blob.last().unwrap_or(commit.position));
        Ok(self.entries.len() < self.limit)
    }
}

/// Commits with entries of an organization, as checkpoints listed them: more than `limit` of those
/// behind `after`, or all; whether it is all.
fn list(
    commits: &mut BTreeSet<Position>,
    rows: &Connection,
    org: OrgId,
    after: Position,
    head: Position,
    limit: usize,
) -> Result<bool, Error> {
    // The list before the one that reaches beyond `after` may end with the commit that holds it.
    let sql = "SELECT commits FROM org_log WHERE org = ?1 AND last <= ?3 AND last >=
                   COALESCE((SELECT MAX(last) FROM org_log WHERE org = ?1 AND last <= ?2), ?2) ORDER BY last";
    let mut select = rows.prepare_cached(sql).map_err(sqlite)?;
    let values = params![org.get() as i64, after.get() as i64, head.get() as i64];
    let mut lists = select.query(values).map_err(sqlite)?;
    while let Some(row) = lists.next().map_err(sqlite)? {
        let bytes: Vec<u8> = row.get(0).map_err(sqlite)?;
        let (mut take, mut commit) = (Take(&bytes), 0);
        while !take.is_empty() {
            commit += take.u64().map_err(|cause| damaged_bytes(format!("the list of commits of {org}"), cause))?;
            commits.insert(Position::from_raw(commit));
        }
        if commits.range(after..).nth(limit.saturating_add(1)).is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}
