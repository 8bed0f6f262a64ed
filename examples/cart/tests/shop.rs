//! The program from outside: what it stores, what it prints, and how it ends.
#![expect(clippy::unwrap_used, reason = "in a test it is how to fail")]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use support::expected;

const SHIPPED: &str = include_str!("../data/commands.jsonl");

const README: &str = include_str!("../README.md");
const PICTURE: &str = include_str!("../topology.svg");

/// A folder for one test: a database, and what is written.
struct Shop {
    folder: tempfile::TempDir,
    database: Option<String>,
}

struct Run {
    stdout: String,
    stderr: String,
    status: Option<i32>,
}

impl Shop {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            database: None,
        }
    }

    fn on(database: &str) -> Self {
        Self {
            database: Some(database.to_owned()),
            ..Self::new()
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn listings(&self) -> String {
        std::fs::read_to_string(self.path("listings.txt")).unwrap()
    }

    /// Runs the program in this folder, with this text on standard input.
    fn cart(&self, args: &[&str], input: &[u8]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cart"));
        command.current_dir(self.folder.path()).args(args);
        command.args(["--listings", "listings.txt"]);
        if let Some(database) = &self.database {
            command.args(["--database", database]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that reads a file does not read this.
        stdin.write_all(input).unwrap();
        drop(stdin);
        Run::of(child.wait_with_output().unwrap())
    }
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code(),
        }
    }

    #[track_caller]
    fn says(&self, text: &str) {
        assert!(
            self.stderr.contains(text),
            "`{text}` is not in:\n{}",
            self.stderr
        );
    }
}

fn first_lines(n: usize) -> String {
    SHIPPED
        .lines()
        .take(n)
        .fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_shipped_input_comes_from_the_generator() {
    assert!(cart::generator::generate().unwrap() == SHIPPED);
}

#[test]
fn the_shipped_input_is_worth_its_name() {
    let expected = expected(SHIPPED);
    let n_commands = SHIPPED.lines().count();
    assert!(n_commands >= 10_000, "{n_commands}");
    assert!(
        expected.n_refused * 100 >= 3 * n_commands,
        "{}",
        expected.n_refused
    );
    assert_eq!(expected.listings.lines().count(), 1_000);
}

#[test]
fn the_listings_are_those_of_a_shop_without_the_framework() {
    let shop = Shop::on("memory");
    let run = shop.cart(&[], b"");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let expected = expected(SHIPPED);
    assert!(shop.listings() == expected.listings);
    run.says(&format!("{} refused; 0 bad lines", expected.n_refused));
    let (trail, listings) = run.stdout.split_once("--- listings ---\n").unwrap();
    assert!(listings == expected.listings);
    let n_follow_ups = trail
        .lines()
        .filter(|line| line.contains(" cart.request_payment "))
        .count();
    assert_eq!(
        trail.lines().count(),
        SHIPPED.lines().count() + expected.n_events + n_follow_ups
    );
    let positions: Vec<u64> = trail
        .lines()
        .map(|line| line.split(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!(positions.is_sorted());
}

#[test]
fn a_small_input_comes_to_what_it_says_on_a_file_and_in_memory() {
    let input = first_lines(300);
    for shop in [Shop::on("memory"), Shop::new()] {
        let run = shop.cart(&["-", "--quiet"], input.as_bytes());
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert_eq!(run.stdout, "");
        assert_eq!(shop.listings(), expected(&input).listings);
    }
}

#[test]
fn the_listings_are_the_same_on_postgres() {
    let Ok(url) = std::env::var("SOURCED_TEST_POSTGRES_URL") else {
        eprintln!("skipped: SOURCED_TEST_POSTGRES_URL is not set");
        return;
    };
    let separator = if url.contains('?') { '&' } else { '?' };
    let schema = format!("cart_test_{}", std::process::id());
    drop_schema(&url, &schema);
    let shop = Shop::on(&format!("{url}{separator}schema={schema}"));
    let run = shop.cart(&["--quiet"], b"");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(shop.listings() == expected(SHIPPED).listings);
    let again = shop.cart(&["--quiet"], b"");
    again.says("0 stored now");
    let verified = shop.cart(&["--verify"], b"");
    assert_eq!(verified.status, Some(0), "{}", verified.stderr);
    verified.says(" 0 wrong");
    drop_schema(&url, &schema);
}

fn drop_schema(url: &str, schema: &str) {
    use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
    let drop_it = async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let drop_it = AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {schema} CASCADE"));
        sqlx::query(drop_it).execute(&mut connection).await.unwrap();
    };
    tokio::runtime::Runtime::new().unwrap().block_on(drop_it);
}

#[test]
fn bad_lines_are_told_and_skipped_and_nothing_else_is_lost() {
    let shop = Shop::on("memory");
    let good = first_lines(6);
    let mut good = good.lines();
    let mut input: Vec<u8> = Vec::new();
    let mut put = |line: &[u8]| {
        input.extend_from_slice(line);
        input.push(b'\n');
    };
    let mut kept = String::new();
    let mut next_good = |put: &mut dyn FnMut(&[u8])| {
        let line = good.next().unwrap();
        put(line.as_bytes());
        kept.push_str(line);
        kept.push('\n');
    };
    next_good(&mut put); // line 1
    put(b"{\"cart\":\"cart-1\",");
    put(br#"{"cart":"cart-1","command":"ad_item"}"#);
    next_good(&mut put); // line 4
    put(br#"{"cart":"cart-1","command":"remove_item"}"#);
    put(br#"{"cart":"cart-1","command":"add_item","product_id":"p","name":"n","price":-1,"quantity":1}"#);
    put(br#"{"cart":"cart-1","command":"place","when":"now"}"#);
    put(br#"{"id":"42","cart":"cart-1","command":"place"}"#);
    put(br#"{"cart":"","command":"place"}"#);
    next_good(&mut put); // line 10
    put(b"");
    put("x".repeat(100_000).as_bytes());
    put(b"\xff\xfe");
    put(b"[]");
    next_good(&mut put);
    let taken = SHIPPED.lines().next().unwrap().split('"').nth(3).unwrap();
    let line = format!(r#"{{"id":"{taken}","cart":"another","command":"place"}}"#);
    input.extend_from_slice(line.as_bytes()); // line 16, without an end

    let run = shop.cart(&["-"], &input);
    assert_eq!(run.status, Some(2), "{}", run.stderr);
    run.says("line 2: broken JSON in column 17: EOF while parsing");
    run.says("line 3: unknown command `ad_item`: expected one of `add_item`, `remove_item`, `place` (did you mean `add_item`?)");
    run.says("line 5: missing field `product_id`");
    run.says("line 6: wrong value of `price`: invalid value: integer `-1`, expected u32");
    run.says("line 7: unknown field `when`: expected one of `id`, `cart`, `command`");
    run.says("line 8: wrong value of `id`: expected a UUID");
    run.says("line 9: wrong value of `cart`: a stream id cannot be empty");
    run.says("line 12: longer than 65536 bytes");
    run.says("line 13: not UTF-8");
    run.says("line 14: expected an object");
    run.says(&format!(
        "line 16: the id {taken} is already taken by a message of another cart"
    ));
    run.says("4 commands: 4 stored now, 0 already stored; ");
    run.says("11 bad lines");
    assert_eq!(shop.listings(), expected(&kept).listings);
}

#[test]
fn a_second_run_doubles_nothing_and_goes_on_where_the_first_ended() {
    let shop = Shop::new();
    let input = first_lines(500);
    let first = shop.cart(&["-"], input.as_bytes());
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    let listings = shop.listings();

    let second = shop.cart(&["-"], input.as_bytes());
    assert_eq!(second.status, Some(0), "{}", second.stderr);
    second.says("500 commands: 0 stored now, 500 already stored; ");
    second.says("0 messages stored");
    let refused = |run: &Run| run.stderr.split("; ").nth(1).unwrap().to_owned();
    assert_eq!(refused(&first), refused(&second));
    assert!(second.stdout.starts_with("--- listings ---\n"));
    assert_eq!(shop.listings(), listings);

    let line = r#"{"cart":"cart-0007","command":"add_item","product_id":"p-new","name":"نعناع","price":1,"quantity":1}"#;
    let seq_of_command = |run: &Run| -> u64 {
        let line = run
            .stdout
            .lines()
            .find(|line| line.contains("cart.add_item"))
            .unwrap();
        line.split(['#', ' ']).nth(2).unwrap().parse().unwrap()
    };
    let third = shop.cart(&["-"], line.as_bytes());
    third.says("1 commands: 1 stored now");
    let fourth = shop.cart(&["-"], line.as_bytes());
    fourth.says("1 commands: 1 stored now");
    assert!(seq_of_command(&third) > 1);
    assert_eq!(seq_of_command(&fourth), seq_of_command(&third) + 2);
    assert!(Path::new(&shop.path("cart.db")).exists());
}

#[test]
fn an_id_given_twice_is_one_command() {
    let shop = Shop::on("memory");
    let line = first_lines(1);
    let run = shop.cart(&["-"], line.repeat(3).as_bytes());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    run.says("3 commands: 1 stored now, 2 already stored");
    assert_eq!(shop.listings(), expected(&line).listings);
}

#[test]
fn work_begins_before_the_input_ends_and_sigterm_ends_it() {
    use std::io::{BufRead as _, BufReader};
    let shop = Shop::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cart"))
        .current_dir(shop.folder.path())
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(first_lines(1).as_bytes()).unwrap();
    stdin.flush().unwrap();
    let mut trail = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(trail.next().unwrap().unwrap().contains("cart.add_item"));
    assert!(trail.next().unwrap().unwrap().contains("cart.item_added"));
    let killed = Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(killed.success());
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(run.status, Some(143), "{}", run.stderr);
    run.says("stopped by SIGTERM; a new start continues");
    drop(stdin);
}

#[test]
fn nobody_reading_the_trail_stops_nothing() {
    let shop = Shop::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cart"))
        .current_dir(shop.folder.path())
        .args(["-", "--listings", "listings.txt"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let input = first_lines(1_000);
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(shop.listings() == expected(&input).listings);
}

#[test]
fn the_pictures_in_the_readme_are_those_of_the_shop() {
    let shop = Shop::on("memory");
    let mermaid = shop.cart(&["--topology", "mermaid"], b"");
    assert_eq!(mermaid.status, Some(0), "{}", mermaid.stderr);
    assert!(README.contains(&format!("```mermaid\n{}```", mermaid.stdout)));
    assert_eq!(shop.cart(&["--topology", "svg"], b"").stdout, PICTURE);
    let json = shop.cart(&["--topology", "json"], b"").stdout;
    assert!(json.contains(r#""id": "cart.placed-cart-aut""#), "{json}");
    assert!(!shop.path("cart.db").exists());
}
