//! The shipped input: the same bytes for ever, from one seed.

use std::fmt::Write as _;

use serde::Serialize;
use uuid::Uuid;

const SEED: u64 = 0x5eed_ca27;
const CARTS: usize = 1_000;

/// Carts that customers fill at the same time.
const AT_ONCE: usize = 24;

/// The customer who cannot decide, and how many commands that makes.
const LARGE: (usize, u64) = (7, 450);

/// The first of January 2026, in milliseconds since 1970.
const START: u64 = 1_767_225_600_000;

/// What the shop sells, with prices in cents. Their ids are `p-01`, `p-02` …
const PRODUCTS: [(&str, u32); 24] = [
    ("Tea, green", 420),
    ("Tea \"Earl Grey\"", 510),
    ("Coffee beans 1 kg", 1_890),
    ("Crème brûlée", 650),
    ("Größe-42-Schuhe", 7_999),
    ("Smo\u{308}rrebro\u{308}d", 890), // combining marks, not the letters that look the same
    ("寿司セット", 2_450),
    ("月餅 (蓮蓉)", 1_280),
    ("김치 500g", 730),
    ("ชาไทย", 390),
    ("חלבה", 560),
    ("قهوة عربية", 1_150),
    ("Борщ", 480),
    ("Ελιές Καλαμών", 620),
    ("👩\u{200d}🚀 Astronaut figure", 2_999),
    ("☕️ Mug", 1_299),
    ("🇺🇳 Flag", 999),
    ("Path C:\\temp\\new", 1),
    ("Two\nlines and a\ttab", 250),
    ("O'Reilly's; DROP TABLE carts;--", 3_999),
    ("{\"json\": [true]}", 100),
    ("   spaces   ", 75),
    ("Z̶a̶l̶g̶o", 666),
    ("Gold bar", u32::MAX),
];

#[derive(Serialize)]
struct Line {
    id: Uuid,
    cart: String,
    #[serde(flatten)]
    command: Command,
}

#[derive(Clone, Serialize)]
#[serde(tag = "command", rename_all = "snake_case")]
enum Command {
    AddItem {
        product_id: String,
        name: &'static str,
        price: u32,
        quantity: u32,
    },
    RemoveItem {
        product_id: String,
    },
    Place,
}

/// The commands as JSON lines.
///
/// # Errors
/// Never for these commands; JSON could fail in general.
pub fn generate() -> serde_json::Result<String> {
    let mut chance = Chance(SEED);
    let mut waiting =
        (1..=CARTS).map(|number| Customer::new(number, &mut Chance(SEED ^ number as u64)));
    let mut shopping: Vec<_> = waiting.by_ref().take(AT_ONCE).collect();
    let mut lines = String::new();
    let mut millis = START;
    while !shopping.is_empty() {
        let index = chance.index(shopping.len());
        let customer = &mut shopping[index];
        if let Some(command) = customer.commands.next() {
            millis += chance.below(5_000);
            let line = Line {
                id: chance.uuid(millis),
                cart: customer.cart.clone(),
                command,
            };
            // Writing to a `String` cannot fail.
            _ = writeln!(lines, "{}", serde_json::to_string(&line)?);
        } else {
            match waiting.next() {
                Some(next) => shopping[index] = next,
                None => _ = shopping.swap_remove(index),
            }
        }
    }
    Ok(lines)
}

/// Somebody with a cart, and all that is going to happen to it.
struct Customer {
    cart: String,
    commands: std::vec::IntoIter<Command>,
}

impl Customer {
    fn new(number: usize, chance: &mut Chance) -> Self {
        let prefix = match number % 50 {
            0 => "🛒",
            17 => "Wägelchen",
            33 => "عربة",
            _ => "cart",
        };
        let mut commands = Vec::new();
        let n_commands = if number == LARGE.0 {
            LARGE.1
        } else {
            4 + chance.below(13)
        };
        for _ in 1..n_commands {
            commands.push(shopping(chance));
        }
        match chance.below(10) {
            // Orders before anything is in the cart, or twice, or goes on after the order.
            0 => commands.insert(0, Command::Place),
            1 => commands.extend([Command::Place, Command::Place]),
            2 => commands.extend([Command::Place, shopping(chance)]),
            // Never orders.
            3 | 4 => {}
            _ => commands.push(Command::Place),
        }
        Self {
            cart: format!("{prefix}-{number:04}"),
            commands: commands.into_iter(),
        }
    }
}

fn shopping(chance: &mut Chance) -> Command {
    let index = chance.index(PRODUCTS.len());
    let (name, price) = PRODUCTS[index];
    let product_id = format!("p-{:02}", index + 1);
    if chance.below(12) == 0 {
        return Command::RemoveItem { product_id };
    }
    let quantity = match chance.below(60) {
        0 => 0,
        1 => 600, // more than a cart holds
        small => 1 + u32::from(small > 40) + u32::from(small > 55),
    };
    Command::AddItem {
        product_id,
        name,
        price,
        quantity,
    }
}

/// `SplitMix64`: a few lines that will never change under us.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    fn uuid(&mut self, millis: u64) -> Uuid {
        let mut bits = [0; 10];
        bits[..8].copy_from_slice(&self.next().to_le_bytes());
        bits[8..].copy_from_slice(&self.next().to_le_bytes()[..2]);
        uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid()
    }
}
