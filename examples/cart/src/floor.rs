//! The floor: the same job by hand, without the framework, to see what the framework costs.
//!
//! The least SQL a careful engineer would write: per command one transaction that loads the cart's events, decides,
//! inserts command, event and refusal, and upserts the listing; an order's follow-up is stored in the same transaction.
//! It is told twice, once for each database, as hand-written SQL is. Durability is that of the backends: every commit
//! waits for the disk.
//!
//! What it leaves out, and the framework does: workers, leases and fencing, other processes, following the log, waking
//! up, causation and correlation, consumer groups, projections that can be rebuilt, retries.
