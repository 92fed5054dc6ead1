//! What `org limit` and `key limit` have in common.

use std::{num::NonZero, str::FromStr};

use clap::Args;
use model::{Allowance, Period, Rate};
use serde_json::{Value, json};

/// A limit, or that there is to be none.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<T> {
    Off,
    At(T),
}

impl<T: FromStr> FromStr for Wanted<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| "give a whole number from 1, or `off`".to_owned())
    }
}

/// How fast calls may come, and how many data may be read.
#[derive(Debug, Args)]
pub(super) struct Limits {
    /// How many calls a minute; `off` lifts the limit
    #[arg(long, value_name = "N|off")]
    rate: Option<Wanted<NonZero<u32>>>,
    /// How many calls at once after a rest [default: as many as in a minute]
    #[arg(long, value_name = "N", requires = "rate")]
    burst: Option<NonZero<u32>>,
    /// How many data may be read in each period; `off` lifts the limit
    #[arg(long, value_name = "N|off")]
    dm: Option<Wanted<NonZero<u64>>>,
    /// The period: `day` or `month`, which begin at midnight UTC
    #[arg(long, value_name = "PERIOD", default_value = "month")]
    per: Period,
}

impl Limits {
    /// The rate as it is to be: as it was where nothing is said.
    pub(super) fn rate(&self, was: Option<Rate>) -> Option<Rate> {
        match self.rate {
            None => was,
            Some(Wanted::Off) => None,
            Some(Wanted::At(per_minute)) => Some(Rate { per_minute, burst: self.burst.unwrap_or(per_minute) }),
        }
    }

    /// The allowance of `dm` as it is to be.
    pub(super) fn dm(&self, was: Option<Allowance>) -> Option<Allowance> {
        self.allowance(self.dm, was)
    }

    pub(super) fn allowance(&self, wanted: Option<Wanted<NonZero<u64>>>, was: Option<Allowance>) -> Option<Allowance> {
        match wanted {
            None => was,
            Some(Wanted::Off) => None,
            Some(Wanted::At(amount)) => Some(Allowance { amount, period: self.per }),
        }
    }
}

pub(super) fn rate_json(rate: Option<Rate>) -> Value {
    rate.map_or(Value::Null, |rate| json!({ "per_minute": rate.per_minute, "burst": rate.burst }))
}

pub(super) fn allowance_json(allowance: Option<Allowance>) -> Value {
    allowance.map_or(Value::Null, |it| json!({ "amount": it.amount, "period": it.period.as_str() }))
}

/// A line for each limit there is.
pub(super) fn described(rate: Option<Rate>, allowances: &[(&str, Option<Allowance>)]) -> String {
    let rate = rate.map(|rate| format!("{} calls a minute, {} at once", rate.per_minute, rate.burst));
    let data = allowances.iter().filter_map(|(unit, allowance)| {
        allowance.map(|allowance| format!("{} {unit} a {}", allowance.amount, allowance.period))
    });
    let lines: Vec<String> = rate.into_iter().chain(data).collect();
    if lines.is_empty() { "without limit".to_owned() } else { lines.join("\n") }
}
