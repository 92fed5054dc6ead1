use std::time::Duration;

/// Measured figures of one kind.
#[derive(Default, Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn add(&mut self, sample: f64) {
        self.0.push(sample);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The least figure that at least so many of all are not above; nothing measured is not a number.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }
}

impl Extend<Duration> for Samples {
    fn extend<I: IntoIterator<Item = Duration>>(&mut self, durations: I) {
        self.0.extend(durations.into_iter().map(|duration| duration.as_secs_f64() * 1e6));
    }
}

/// A row of the report: what was measured, what it should be, what it is.
pub(crate) struct Line {
    pub(crate) what: &'static str,
    pub(crate) goal: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) ours: Samples,
    /// CPU time of one operation, in µs.
    pub(crate) cpu: Samples,
    pub(crate) beside: Samples,
}

impl Line {
    pub(crate) fn new(what: &'static str, goal: &'static str, unit: &'static str) -> Self {
        let none = Samples::default();
        Self { what, goal, unit, ours: none.clone(), cpu: none.clone(), beside: none }
    }
}

/// Prints medians as a table that can stand in a document.
pub(crate) fn print(beside: &str, lines: &[Line]) {
    println!("\n| what | goal | Senstation | CPU µs each | {beside} |\n|---|---|---|---|---|");
    for line in lines {
        let (ours, beside) = (with_unit(&line.ours, line.unit), with_unit(&line.beside, line.unit));
        println!("| {} | {} | {ours} | {} | {beside} |", line.what, line.goal, number(line.cpu.median()));
    }
}

fn with_unit(samples: &Samples, unit: &str) -> String {
    match number(samples.median()).as_str() {
        "–" => "–".to_owned(),
        number => format!("{number} {unit}"),
    }
}

/// Three figures are as many as a shared machine has.
pub(crate) fn number(number: f64) -> String {
    match number.abs() {
        size if size.is_nan() => "–".to_owned(),
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_figures_that_were_measured() {
        let mut samples = Samples::default();
        assert!(samples.median().is_nan());
        for sample in [3.0, 1.0, 2.0] {
            samples.add(sample);
        }
        assert_eq!((samples.median(), samples.quantile(0.99), samples.quantile(1.0)), (2.0, 3.0, 3.0));
    }
}
