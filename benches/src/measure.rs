//! Running one case, and what is said of it.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::floor;
use crate::ours;
use crate::plan::{Case, Contender, Workload};
use crate::process::{cpu_seconds, forget_peak, peak_kb};
use crate::storage::Place;

/// One measurement, as it is printed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) workload: String,
    pub(crate) backend: String,
    pub(crate) contender: Contender,
    pub(crate) params: String,
    pub(crate) ops: usize,
    pub(crate) seconds: f64,
    pub(crate) ops_per_s: f64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) peak_rss_kb: u64,
    /// Of this process, not of a server; 0 when the operations were timed one by one.
    #[serde(default)]
    pub(crate) cpu_seconds: f64,
}

/// What a workload took, or a part of it.
pub(crate) struct Measured {
    part: &'static str,
    ops: usize,
    time: Duration,
    cpu_seconds: f64,
    latencies: Vec<Duration>,
}

/// Starts to measure: after everything was set up.
pub(crate) struct Stopwatch {
    started: Instant,
    cpu_seconds: f64,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        forget_peak();
        Self {
            cpu_seconds: cpu_seconds(),
            started: Instant::now(),
        }
    }

    /// So many operations were done.
    pub(crate) fn stop(self, ops: usize, latencies: Vec<Duration>) -> Measured {
        Measured {
            part: "",
            ops,
            time: self.started.elapsed(),
            cpu_seconds: cpu_seconds() - self.cpu_seconds,
            latencies,
        }
    }
}

impl Measured {
    /// Of operations that were timed one by one, with something else between them.
    pub(crate) fn of_each(latencies: Vec<Duration>) -> Self {
        Self {
            part: "",
            ops: latencies.len(),
            time: latencies.iter().sum(),
            cpu_seconds: 0.0,
            latencies,
        }
    }

    /// Says which part of the workload it is.
    pub(crate) fn part(self, part: &'static str) -> Self {
        Self { part, ..self }
    }
}

/// Does `n` things in `tasks` tasks, the nth of them being `what(n)`, and gives the latency of each.
pub(crate) async fn in_tasks<F, Fut>(
    tasks: usize,
    n: usize,
    what: F,
) -> anyhow::Result<Vec<Duration>>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let what = what.clone();
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                for nth in (task..n).step_by(tasks) {
                    let start = Instant::now();
                    what(nth).await?;
                    latencies.push(start.elapsed());
                }
                anyhow::Ok(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::with_capacity(n);
    for task in running {
        latencies.extend(task.await??);
    }
    Ok(latencies)
}

/// Runs a case in this process.
pub(crate) fn run(case: &Case) -> anyhow::Result<Vec<Line>> {
    let mut runtime = match case.workload {
        Workload::Decide { .. } => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        let place = Place::new(case.storage)?;
        let measured = match case.contender {
            Contender::Sourced => ours::run(&place, &case.workload).await?,
            Contender::Floor => vec![floor::run(&place, &case.workload).await?],
        };
        let peak = peak_kb();
        place.close().await?;
        Ok(measured
            .into_iter()
            .map(|one| one.line(case, peak))
            .collect())
    })
}

impl Measured {
    fn line(mut self, case: &Case, peak_rss_kb: u64) -> Line {
        self.latencies.sort_unstable();
        let seconds = self.time.as_secs_f64();
        Line {
            workload: format!("{}{}", case.workload.name(), self.part),
            backend: case.storage.name().to_owned(),
            contender: case.contender,
            params: case.workload.params(),
            ops: self.ops,
            seconds,
            ops_per_s: self.ops as f64 / seconds,
            p50_us: self.percentile(50),
            p99_us: self.percentile(99),
            peak_rss_kb,
            cpu_seconds: self.cpu_seconds,
        }
    }

    /// In microseconds; the latencies are sorted. 0 when nothing was timed one by one.
    fn percentile(&self, percent: usize) -> u64 {
        let index = self.latencies.len() * percent / 100;
        let latency = self.latencies.get(index).or(self.latencies.last());
        latency.map_or(0, |latency| latency.as_micros() as u64)
    }
}
