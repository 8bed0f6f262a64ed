//! Feeds of the log, through an app and its reader.

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use sourced::backend::ReadLog;
use sourced::prelude::*;
use sourced::{Kind, Selection};

use crate::backends::On;
use crate::shop::{Noted, Sold, Stage, Till, log, sell};

async fn sold(app: &App, till: &str, products: &[&str]) {
    for product in products {
        app.actor::<Till>(till).sell(*product).await.unwrap();
    }
}

pub async fn a_feed_gives_what_is_meant_in_either_direction(on: On) {
    let app = on.app(&Stage::new()).await;
    sold(&app, "till-1", &["tea", "cup"]).await;
    sold(&app, "till-2", &["milk"]).await;
    sold(&app, "other", &["hat"]).await;
    let of_tills = Selection::all().stream_prefix("till-").of::<Sold>();
    let feed = app.log(of_tills).page_size(2);

    let products = async |feed: sourced::TypedFeed<Sold>| {
        let products = feed.stream().map_ok(|sold| sold.payload.product);
        products.try_collect::<Vec<_>>().await.unwrap()
    };
    assert_eq!(products(feed.clone().typed()).await, ["tea", "cup", "milk"]);
    let backwards = feed.clone().backwards();
    assert_eq!(
        products(backwards.clone().typed()).await,
        ["milk", "cup", "tea"]
    );
    // A page is filled, however few the storage looks at for one of its own.
    let page = backwards.page(2).await.unwrap();
    assert_eq!(page.messages.len(), 2);
    let rest = ReadLog::new(Selection::all()).backwards().beyond(&page);
    let rest = app
        .log(rest.selection.of::<Sold>())
        .page(100)
        .await
        .unwrap();
    assert_eq!((rest.messages.len(), rest.is_last), (1, true));
    let nothing = feed.typed::<Noted>().stream().try_next().await;
    assert!(nothing.unwrap().is_none());
}

pub async fn a_feed_counts_and_finds_its_ends(on: On) {
    let app = on.app(&Stage::new()).await;
    let nothing = app.log(Selection::all()).summary().await.unwrap();
    assert_eq!((nothing.count, nothing.extent), (0, None));
    assert_eq!(app.log(Selection::all()).first().await.unwrap(), None);
    sold(&app, "till-1", &["tea", "cup"]).await;
    let log = log(&app).await;
    for feed in [
        app.log(Selection::all().kind(Kind::Event)),
        app.log(Selection::all().kind(Kind::Event)).backwards(),
    ] {
        let summary = feed.summary().await.unwrap();
        let extent = summary.extent.unwrap();
        assert_eq!(summary.count, 2);
        assert_eq!(
            (extent.first, extent.last),
            (log[1].position, log[3].position)
        );
        assert_eq!(feed.first().await.unwrap().unwrap(), log[1]);
        assert_eq!(feed.last().await.unwrap().unwrap(), log[3]);
    }
}

pub async fn never_skipped_by_a_feed_that_follows(on: On) {
    const TILLS: usize = 4;
    const EACH: usize = 3;
    let app = on.app(&Stage::new()).await;
    sold(&app, "till-0", &["tea"]).await;
    let feed = app.log(Selection::all().of::<Sold>()).page_size(2);
    let mut live = feed.follow();
    let first = live.try_next().await.unwrap().unwrap();
    assert_eq!(first.stream_id.as_str(), "till-0");
    assert!(live.next().now_or_never().is_none(), "it waits for more");

    let running = app.start();
    let commands = (1..=TILLS).flat_map(|till| {
        (0..EACH).map(move |nth| {
            sell(&format!("{till}-{nth}"))
                .to(format!("till-{till}"))
                .any()
        })
    });
    app.dispatch_all(commands).await.unwrap();
    let seen: Vec<_> = live
        .by_ref()
        .take(TILLS * EACH)
        .try_collect()
        .await
        .unwrap();
    running.stop().await;
    let mut expected = log(&app).await;
    expected.retain(|message| message.type_name.as_str() == "till.sold");
    assert_eq!(seen, expected[1..]);
    // What was seen is where another one goes on.
    let rest = Selection::all()
        .of::<Sold>()
        .after(seen[seen.len() - 2].position);
    let mut rest = app.log(rest).follow();
    assert_eq!(rest.try_next().await.unwrap().as_ref(), seen.last());
    // And one that is to end, ends.
    let part = Selection::all().upto(expected[0].position);
    let part: Vec<_> = app.log(part).follow().try_collect().await.unwrap();
    assert_eq!(part.last(), expected.first());
}

pub async fn a_reader_sees_what_an_app_has_stored(on: On) {
    let app = on.app(&Stage::new()).await;
    let reader = app.reader();
    sold(&app, "till-1", &["tea"]).await;
    let log = log(&app).await;
    assert_eq!(reader.log_end().await.unwrap(), log[1].position);
    assert_eq!(reader.find(log[0].id).await.unwrap().as_ref(), log.first());
    let stream = sourced::backend::ReadStream::all(log[0].stream_id.clone());
    let last = reader.stream(stream.backwards().limit(1)).await.unwrap();
    assert_eq!(last, log[1..]);
}
