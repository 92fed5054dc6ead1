//! What keys have used, told apart, and what was drawn of allowances.

use std::collections::{BTreeMap, BTreeSet};

use model::{AccessId, Day, DeviceEui, OrgId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use store::{Charge, Drawn, Kind, USAGE_DAYS, USAGE_DEVICES_MAX, Usage, Used};

use super::{
    column::{self, Org, Text, count},
    failure::Failure,
    organizations,
};

/// Takes in what keys that are there have used.
pub(super) fn charge(connection: &Connection, charges: &[Charge]) -> Result<(), Failure> {
    let mut calls: BTreeMap<(OrgId, Day, AccessId, &str), Used> = BTreeMap::new();
    let mut devices: BTreeMap<(OrgId, Day), BTreeMap<DeviceEui, Used>> = BTreeMap::new();
    for charge in charges {
        let (org, day) = (charge.org, Day::of(charge.last_used_at));
        calls.entry((org, day, charge.id, charge.endpoint)).or_default().add(charge.used);
        if let Some(eui) = charge.device {
            devices.entry((org, day)).or_default().entry(eui).or_default().add(charge.used);
        }
    }
    let mut orgs = BTreeSet::new();
    for ((org, day, id, endpoint), used) in &calls {
        let mut upsert = connection.prepare_cached(
            "INSERT INTO usage_call (org, day, id, endpoint, calls, refused, unchanged, dm)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET calls = calls + ?5, refused = refused + ?6, unchanged = unchanged + ?7,
             dm = dm + ?8",
        )?;
        let Used { calls, refused, unchanged, dm } = *used;
        upsert.execute((
            Org(*org),
            day.get(),
            Text(*id),
            *endpoint,
            count(calls),
            count(refused),
            count(unchanged),
            count(dm),
        ))?;
        orgs.insert(*org);
    }
    for ((org, day), devices) in devices {
        charge_devices(connection, org, day, devices)?;
    }
    orgs.into_iter().try_for_each(|org| forget_old_days(connection, org))
}

fn charge_devices(
    connection: &Connection,
    org: OrgId,
    day: Day,
    devices: BTreeMap<DeviceEui, Used>,
) -> Result<(), Failure> {
    let mut update = connection.prepare_cached(
        "UPDATE usage_device SET calls = calls + ?4, refused = refused + ?5, unchanged = unchanged + ?6, dm = dm + ?7
         WHERE org = ?1 AND day = ?2 AND eui = ?3",
    )?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO usage_device (org, day, eui, calls, refused, unchanged, dm) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let counted = "SELECT count(*) FROM usage_device WHERE org = ?1 AND day = ?2 AND eui <> ''";
    let mut known = None;
    let mut others = Used::default();
    for (eui, used) in devices {
        if write(&mut update, org, day, &eui.to_string(), used)? == 1 {
            continue;
        }
        let known = match &mut known {
            Some(known) => known,
            None => known.insert(
                connection.prepare_cached(counted)?.query_row((Org(org), day.get()), |row| column::number(row, 0))?,
            ),
        };
        if *known < USAGE_DEVICES_MAX as u64 {
            write(&mut insert, org, day, &eui.to_string(), used)?;
            *known += 1;
        } else {
            others.add(used);
        }
    }
    if others != Used::default() && write(&mut update, org, day, "", others)? == 0 {
        write(&mut insert, org, day, "", others)?;
    }
    Ok(())
}

fn write(
    statement: &mut rusqlite::CachedStatement<'_>,
    org: OrgId,
    day: Day,
    eui: &str,
    used: Used,
) -> rusqlite::Result<usize> {
    let Used { calls, refused, unchanged, dm } = used;
    statement.execute((Org(org), day.get(), eui, count(calls), count(refused), count(unchanged), count(dm)))
}

fn forget_old_days(connection: &Connection, org: OrgId) -> Result<(), Failure> {
    // Each step looks up the next day below; a scan would read every line of the days that are kept.
    let oldest = "WITH RECURSIVE newest (day, nth) AS (
            SELECT max(day), 1 FROM usage_call WHERE org = ?1
            UNION ALL
            SELECT (SELECT max(day) FROM usage_call WHERE org = ?1 AND day < newest.day), nth + 1
            FROM newest WHERE nth <= ?2 AND newest.day IS NOT NULL
        ) SELECT day FROM newest WHERE nth = ?2 + 1 AND day IS NOT NULL";
    let beyond =
        connection.prepare_cached(oldest)?.query_row(params![Org(org), count(USAGE_DAYS)], |row| row.get::<_, i64>(0));
    if let Some(day) = beyond.optional()? {
        for table in ["usage_call", "usage_device"] {
            let sql = format!("DELETE FROM {table} WHERE org = ?1 AND day <= ?2");
            connection.prepare_cached(&sql)?.execute((Org(org), day))?;
        }
    }
    Ok(())
}

/// Takes some of an allowance.
pub(super) fn draw(
    connection: &Connection,
    org: OrgId,
    id: Option<AccessId>,
    (first, last): (Day, Day),
    amount: u64,
    max: u64,
) -> Result<Drawn, Failure> {
    organizations::get(connection, org)?;
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    if !id.is_empty() {
        let found = "SELECT 1 FROM access_key WHERE id = ?1 AND org = ?2";
        let found = connection.prepare_cached(found)?.exists((&id, Org(org)))?;
        found.then_some(()).ok_or(Failure::not_found(Kind::AccessKey))?;
    }
    let charged = "SELECT coalesce(sum(dm), 0) FROM usage_call
                   WHERE org = ?1 AND day BETWEEN ?2 AND ?3 AND (?4 = '' OR id = ?4)";
    let charged: u64 = connection
        .prepare_cached(charged)?
        .query_row((Org(org), first.get(), last.get(), &id), |row| column::number(row, 0))?;
    let drawn = "SELECT dm FROM drawn WHERE org = ?1 AND id = ?2 AND first_day = ?3";
    let drawn = connection.prepare_cached(drawn)?.query_row((Org(org), &id, first.get()), |row| column::number(row, 0));
    let before = drawn.optional()?.unwrap_or_default().max(charged);
    let granted = amount.min(max.saturating_sub(before));
    let total = before + granted;
    let keep = "INSERT INTO drawn (org, id, first_day, dm) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET dm = ?4";
    connection.prepare_cached(keep)?.execute((Org(org), &id, first.get(), count(total)))?;
    // Nobody asks about periods that ended long ago.
    let forget = "DELETE FROM drawn WHERE org = ?1 AND id = ?2 AND first_day < ?3";
    connection.prepare_cached(forget)?.execute((Org(org), &id, first.plus(-(USAGE_DAYS as i32)).get()))?;
    Ok(Drawn { granted, total })
}

pub(super) fn give_back(
    connection: &Connection,
    org: OrgId,
    id: Option<AccessId>,
    first: Day,
    amount: u64,
) -> Result<(), Failure> {
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let sql = "UPDATE drawn SET dm = max(0, dm - ?4) WHERE org = ?1 AND id = ?2 AND first_day = ?3";
    connection.prepare_cached(sql)?.execute((Org(org), id, first.get(), count(amount)))?;
    Ok(())
}

pub(super) fn list(
    connection: &Connection,
    org: OrgId,
    first: Day,
    last: Day,
    devices_max: usize,
) -> Result<Usage, Failure> {
    const SUMS: &str = "sum(calls), sum(refused), sum(unchanged), sum(dm)";
    let days = params![Org(org), first.get(), last.get()];
    let calls = |name: &str, rest: &str| {
        format!("SELECT {SUMS}, {name} FROM usage_call WHERE org = ?1 AND day BETWEEN ?2 AND ?3 {rest}")
    };
    let mut statement = connection.prepare_cached(&calls("day", "GROUP BY day ORDER BY day"))?;
    let by_day = statement.query_map(days, |row| Ok((Day::from_raw(row.get(4)?), used(row)?)))?;
    let by_day = by_day.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare_cached(&calls("id", "GROUP BY id ORDER BY id"))?;
    let key = |row: &Row<'_>| row.get(4).map(|Text(id)| id);
    let keys = statement.query_map(days, |row| Ok((key(row)?, used(row)?)))?;
    let keys = keys.collect::<Result<_, _>>()?;
    let both = calls("id, endpoint", "GROUP BY id, endpoint ORDER BY id, endpoint");
    let mut statement = connection.prepare_cached(&both)?;
    let endpoints = statement.query_map(days, |row| Ok((key(row)?, row.get(5)?, used(row)?)))?;
    let endpoints = endpoints.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {SUMS}, eui FROM usage_device WHERE org = ?1 AND day BETWEEN ?2 AND ?3 GROUP BY eui
         ORDER BY sum(dm) DESC, sum(calls) DESC, eui LIMIT ?4"
    ))?;
    let devices = params![Org(org), first.get(), last.get(), count(devices_max)];
    let devices = statement.query_map(devices, |row| {
        let is_named = !row.get_ref(4)?.as_str()?.is_empty();
        let eui = if is_named { Some(row.get(4).map(|Text(eui)| eui)?) } else { None };
        Ok((eui, used(row)?))
    })?;
    let devices = devices.collect::<Result<_, _>>()?;
    Ok(Usage { days: by_day, keys, endpoints, devices })
}

fn used(row: &Row<'_>) -> rusqlite::Result<Used> {
    let number = |column| column::number(row, column);
    Ok(Used { calls: number(0)?, refused: number(1)?, unchanged: number(2)?, dm: number(3)? })
}
