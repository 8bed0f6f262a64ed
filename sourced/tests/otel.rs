//! OpenTelemetry: a trace goes on through the store.

#![cfg(feature = "otel")]
#![allow(clippy::unwrap_used, reason = "a test")]

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use sourced::prelude::*;
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;

#[derive(Default)]
struct Bell;

#[actor]
impl Bell {
    #[command]
    fn ring(&self) -> Rung {
        Rung
    }

    #[event]
    fn rung(&mut self) {}

    #[reaction]
    fn echo(&self, _: &Rung) -> Answer {
        Answer
    }

    #[command]
    fn answer(&self, _: &Answer) -> Answered {
        Answered
    }

    #[event]
    fn answered(&mut self) {}
}

#[command("bell.respond")]
struct Answer;

const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn ring(app: &App) {
    let workers = app.start();
    app.dispatch(Ring.to("bell-1")).await.unwrap();
    app.idle().await.unwrap();
    workers.stop().await;
}

/// The spans of a program, as they are exported.
fn exported(program: impl AsyncFnOnce(App)) -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let subscriber = tracing_subscriber::registry().with(layer);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let app = App::builder().register::<Bell>().build().await.unwrap();
            program(app).await;
        });
    });
    provider.force_flush().unwrap();
    exporter.get_finished_spans().unwrap()
}

#[test]
fn handlers_continue_the_trace_that_their_message_belongs_to() {
    let spans = exported(async |app| {
        let request = Metadata::new().with_trace_headers(Some(HEADER), Some("shop=1"));
        ring(&app.with_metadata(request)).await;
    });
    let of = |name: &str| {
        spans
            .iter()
            .filter(|span| span.name == name)
            .collect::<Vec<_>>()
    };
    let handled = of("handle");
    assert!(handled.len() >= 2, "{}", handled.len());
    for span in &handled {
        assert_eq!(span.span_context.trace_id().to_string(), HEADER[3..35]);
        assert_eq!(span.parent_span_id.to_string(), HEADER[36..52]);
        assert_eq!(span.span_context.trace_state().header(), "shop=1");
    }
    // The rest is inside: the reaction's command has inherited the trace with the other metadata.
    let decided = of("decide");
    assert_eq!(decided.len(), 2);
    for span in decided {
        let is_inside = |outer: &&&SpanData| outer.span_context.span_id() == span.parent_span_id;
        assert!(handled.iter().any(|outer| is_inside(&outer)), "{span:?}");
    }
}

#[test]
fn what_is_dispatched_in_a_span_continues_its_trace() {
    let spans = exported(async |app| {
        ring(&app).instrument(tracing::info_span!("request")).await;
    });
    let request = spans.iter().find(|span| span.name == "request").unwrap();
    let handled: Vec<_> = spans.iter().filter(|span| span.name == "handle").collect();
    assert!(!handled.is_empty());
    for span in handled {
        assert_eq!(
            span.span_context.trace_id(),
            request.span_context.trace_id()
        );
        assert_eq!(span.parent_span_id, request.span_context.span_id());
    }
}
