//! What looks like something that no event may do, and is none.
#![deny(warnings)]

use std::time::Duration;

use sourced::prelude::*;
use sourced::Timestamp;

static PRICES: [u32; 3] = [1, 2, 3];
const TWICE: u32 = 2;

mod rand {
    pub struct Rand(pub u32);
}

#[derive(Debug, Default)]
pub struct Clock {
    now: u32,
    env: Vec<String>,
    lock: Option<Timestamp>,
}

impl Clock {
    fn print(&mut self) {
        self.env.push(format!("{}", self.now));
    }
}

#[actor]
impl Clock {
    #[command]
    pub async fn ring(&self, now: Now) -> Rung {
        println!("{now:?} {:?}", std::time::SystemTime::now());
        Rung { at: *now }
    }

    #[event]
    pub fn rung(&mut self, at: Timestamp) {
        static NAMES: [&str; 2] = ["one", "two"];
        let thread = Duration::from_secs(u64::from(TWICE * PRICES[1]));
        self.now += u32::try_from(thread.as_secs()).unwrap_or_default();
        self.env.push(NAMES[0].to_owned());
        self.lock = Some(at);
        self.env.swap(0, 0);
        let rand = rand_of(self.now);
        self.now = rand.0;
        self.print();
    }
}

fn rand_of(seed: u32) -> rand::Rand {
    rand::Rand(seed)
}

fn main() {
    _ = |clock: ClockRef| async move { clock.ring().await };
}
