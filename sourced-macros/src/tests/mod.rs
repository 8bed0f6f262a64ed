//! What the macros write, kept as files to be read; and that a user's item comes out whatever is wrong with it.
//!
//! `UPDATE_EXPANSIONS=1 cargo test -p sourced-macros` writes the files anew.

use std::path::PathBuf;
use std::{env, fs};

use proc_macro2::TokenStream;

use crate::check::Kind;
use crate::entry;
use crate::names;
use crate::parse::member::Role;

#[test]
fn an_actor_is_a_table_and_an_impl_per_handler() {
    same_as_kept("cart", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
}

#[test]
fn an_actor_with_snapshots_says_how_and_who_cannot_use_them() {
    let args = "snapshot_every = 100, snapshot_version = 2";
    let args = args.parse::<TokenStream>().unwrap();
    let out = same_as_kept("snapshots", |item| {
        entry::block(Kind::Actor, args.clone(), item)
    });
    assert_eq!(out.matches("reads_history").count(), 2, "{out}");
}

/// The hash that the table is given.
#[test]
fn the_hash_is_that_of_what_makes_the_state() {
    let hash = |item: &str| {
        let args = "snapshot_every = 1".parse().unwrap();
        let out = entry::block(Kind::Actor, args, &item.parse().unwrap()).to_string();
        let (_, rest) = out.split_once("of_code (").unwrap();
        rest.split_once(',').unwrap().0.to_owned()
    };
    let item = kept("snapshots.input.rs");
    let same = [
        item.replace("#[event]", "/// Told to people.\n #[event]"),
        item.replace("Added { price }", "Added { price: price + 1 }"),
        item.replace("== 3", "== 4"),
    ];
    for same in same {
        assert_eq!(hash(&item), hash(&same), "{same}");
    }
    let other = [
        item.replace("self.total += price", "self.total += price + 1"),
        item.replace("total: 0", "total: 1"),
        item.replace("#[event]", "#[event(\"cart.more\")]"),
        item.replace("price: u64) {", "price: u32) {"),
        item.replace(
            "#[state]",
            "#[before_evolve] fn first(&mut self) {} #[state]",
        ),
    ];
    for other in other {
        assert_ne!(hash(&item), hash(&other), "{other}");
    }
}

#[test]
fn a_projector_is_a_table_and_its_syncs() {
    same_as_kept("listing", |item| {
        entry::block(Kind::Projector, TokenStream::new(), item)
    });
}

#[test]
fn a_stored_projector_loads_and_tells_what_it_saved() {
    let args: TokenStream = "stored".parse().unwrap();
    let out = same_as_kept("stored", |item| {
        entry::block(Kind::Projector, args.clone(), item)
    });
    assert!(out.contains("if !cx.is_replaying()"), "{out}");
}

#[test]
fn a_row_is_a_line_per_column() {
    let out = same_as_kept("todo", |item| entry::row(item.clone()));
    assert!(
        out.contains(r#"columns.json::<Vec<String>>("labels");"#),
        "{out}"
    );
}

#[test]
fn a_projector_of_a_table_is_an_impl_per_event() {
    same_as_kept("todo_rows", |item| {
        entry::block(Kind::Projector, TokenStream::new(), item)
    });
}

#[test]
fn a_table_in_global_order_says_so() {
    let out = same_as_kept("global_order", |item| {
        let args = "global_order".parse().unwrap();
        entry::block(Kind::Projector, args, item)
    });
    assert!(out.contains("GroupOrder::Global"), "{out}");
}

#[test]
fn the_key_of_an_event_is_read_from_its_fields() {
    let key = |input: &str| entry::key(input.parse().unwrap()).to_string();
    let one = key("(id) (message.payload) Added");
    let spaced = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(
        spaced(&one),
        "::core::clone::Clone::clone(&message.payload.id)"
    );
    let two = key("(id r#type) (message.payload) todo::Added");
    assert!(two.starts_with('(') && two.contains("r#type"), "{two}");
}

#[test]
fn a_message_is_its_derives_and_its_name() {
    let name = r#""cart.item_added""#.parse::<TokenStream>().unwrap();
    same_as_kept("message", |item| {
        entry::message(Role::Event, name.clone(), item)
    });
}

#[test]
fn a_message_with_a_past_says_what_it_was() {
    let options = r#""cart.item_added.v2", alias = "cart.added", was = v1::ItemAdded"#;
    let options = options.parse::<TokenStream>().unwrap();
    same_as_kept("renamed", |item| {
        entry::message(Role::Event, options.clone(), item)
    });
}

#[test]
fn a_renamed_actor_reads_its_old_names_and_keeps_its_group() {
    let options = r#""shop.cart", alias = "basket.cart", alias = "cart""#;
    let options = options.parse::<TokenStream>().unwrap();
    let out = same_as_kept("renamed_actor", |item| {
        entry::block(Kind::Actor, options.clone(), item)
    });
    for line in [
        r#"const GROUP: &'static str = "cart";"#,
        r#"&["basket.cart.open", "cart.open"]"#,
        r#"&["cart.was_opened", "basket.cart.opened", "cart.opened""#,
    ] {
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        assert!(squeezed(&out).contains(&squeezed(line)), "{line}: {out}");
    }
}

#[test]
fn the_docs_of_an_actor_show_its_flow() {
    let out = same_as_kept("flow", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
    let rows: Vec<&str> = out
        .lines()
        .filter(|line| line.starts_with("/// | `"))
        .collect();
    assert_eq!(
        rows,
        [
            "/// | `Place` | `CartError` | `Placed`, `Discounted` | `Placed`: `pay` → `Charge`, `note::Write`<br>`Discounted`: `rest` |",
            "/// | `Clear` |  | `Removed` | `rest` |",
            "/// | `send::Mail` |  |  |  |",
            "/// | `Give` | `Full` | `Removed`, `Placed` elsewhere | `Removed`: `rest`<br>`Placed`: `pay` → `Charge`, `note::Write` |",
            "/// | `Fill` |  | `Placed`, `Removed` | `Placed`: `pay` → `Charge`, `note::Write`<br>`Removed`: `rest` |",
            "/// | `Empty` | `PaymentFailure` | `CartEvent` |  |",
        ]
    );
    assert!(
        out.contains("/// | | | `stock::Gone` | `tell` → `Charge` |"),
        "{out}"
    );
}

#[test]
fn a_method_without_a_body_comes_out() {
    let out = same_as_kept("missing_body", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
    assert!(
        out.contains("pub fn add_item (& self , product_id : String) -> Opened"),
        "{out}"
    );
    assert!(out.contains("pub fn opened (& mut self) { }"), "{out}");
}

#[test]
fn a_half_typed_handler_comes_out() {
    let out = same_as_kept("half_typed_handler", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
    assert!(
        out.contains("pub fn add_item (& self , product_id :) { self . }"),
        "{out}"
    );
    assert!(
        out.contains("struct Opened"),
        "the other handlers are generated: {out}"
    );
}

#[test]
fn options_that_are_not_there_yet_lose_nothing() {
    let out = same_as_kept("empty_options", |item| {
        entry::block(Kind::Actor, TokenStream::new(), item)
    });
    assert!(
        out.contains("fn broken(&self) {}") && out.contains("struct Open;"),
        "{out}"
    );
}

#[test]
fn a_half_typed_option_loses_nothing() {
    let args: TokenStream = "crate =".parse().unwrap();
    let out = same_as_kept("half_typed_option", |item| {
        entry::block(Kind::Actor, args.clone(), item)
    });
    assert!(
        out.contains("pub fn opened(&mut self) {}") && out.contains("struct Opened;"),
        "{out}"
    );
}

#[test]
fn the_same_input_gives_the_same_output() {
    let item: TokenStream = kept("cart.input.rs").parse().unwrap();
    let once = || entry::block(Kind::Actor, TokenStream::new(), &item).to_string();
    assert_eq!(once(), once());
}

#[test]
fn names_change_case() {
    for (camel, snake) in [
        ("AddItem", "add_item"),
        ("Cart", "cart"),
        ("HTTPRequest", "http_request"),
        ("V2Cart", "v2_cart"),
    ] {
        assert_eq!(names::snake(camel), snake);
    }
    assert_eq!(names::camel("add_item"), "AddItem");
    assert_eq!(names::camel("add_2_items"), "Add2Items");
}

#[test]
fn type_names_are_words_joined_by_dots() {
    for name in ["cart", "shop.cart", "shop.cart_2.item"] {
        assert!(names::is_type_name(name), "{name}");
    }
    for name in [
        "",
        ".",
        "cart.",
        ".cart",
        "a..b",
        "a b",
        "a-b",
        "é",
        &"a".repeat(256),
    ] {
        assert!(!names::is_type_name(name), "{name}");
    }
}

#[test]
fn only_what_is_near_is_suggested() {
    assert_eq!(names::nearest("crte", &["crate"]), Some("crate"));
    assert_eq!(names::nearest("snapshot", &["crate"]), None);
}

/// Expands `name.input.rs`, compares with `name.expanded.rs`, and gives the expansion.
fn same_as_kept(name: &str, expand: impl Fn(&TokenStream) -> TokenStream) -> String {
    let input: TokenStream = kept(&format!("{name}.input.rs")).parse().unwrap();
    let expanded = pretty(&expand(&input));
    let file = format!("{name}.expanded.rs");
    if env::var_os("UPDATE_EXPANSIONS").is_some() {
        fs::write(path(&file), &expanded).unwrap();
    }
    assert_eq!(
        expanded,
        kept(&file),
        "`{file}` is not what the macro writes"
    );
    expanded
}

/// As rustfmt might write it, or as bare tokens where it is not Rust yet.
fn pretty(tokens: &TokenStream) -> String {
    match syn::parse2(tokens.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        Err(_) => tokens.to_string() + "\n",
    }
}

fn kept(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_default()
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/tests")
        .join(file)
}
