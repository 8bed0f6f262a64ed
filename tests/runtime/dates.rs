//! Dates in tables.

use chrono::NaiveDate;
use sourced::prelude::*;

use crate::backends::On;

#[derive(Debug, Default)]
pub struct Diary;

#[actor]
impl Diary {
    #[command]
    fn note(&self, day: NaiveDate, due: Option<NaiveDate>) -> Noted {
        Noted { day, due }
    }

    #[event]
    pub fn noted(&mut self, _day: NaiveDate, _due: Option<NaiveDate>) {}
}

#[derive(Debug, Clone, PartialEq, Projection)]
#[projection(table = "days")]
pub struct Day {
    #[key]
    day: NaiveDate,
    #[index]
    due: Option<NaiveDate>,
}

#[projector]
impl Day {
    #[event]
    fn noted(event: &Noted) -> Self {
        Self {
            day: event.day,
            due: event.due,
        }
    }
}

impl Day {
    pub fn of((day, due): (NaiveDate, Option<NaiveDate>)) -> Self {
        Self { day, due }
    }
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

pub async fn dates_are_read_back_and_sorted_as_such(on: On) {
    let builder = on.builder().register::<Diary>().register::<Day>();
    let app = builder.build().await.unwrap();
    let mut days = vec![
        Day {
            day: date(2026, 10, 2),
            due: None,
        },
        Day {
            day: date(0, 1, 1),
            due: Some(date(9_999, 12, 31)),
        },
        Day {
            day: date(2026, 9, 30),
            due: Some(date(2026, 2, 28)),
        },
        Day {
            day: date(476, 9, 4),
            due: Some(date(2024, 2, 29)),
        },
    ];
    for Day { day, due } in days.clone() {
        let note = Note { day, due };
        app.unit().handle(note.to("diary-1")).await.unwrap();
    }
    days.sort_by_key(|row| row.day);
    let by_day = app.rows::<Day>().order_by(|row| row.day.ascending());
    assert_eq!(by_day.all().await.unwrap(), days);
    let first = app.rows::<Day>().get(date(476, 9, 4)).await.unwrap();
    assert_eq!(first.as_ref(), Some(&days[1]));
    let early = app.rows::<Day>().filter(|row| row.due.lt(date(2026, 1, 1)));
    assert_eq!(early.all().await.unwrap(), [days[1].clone()]);

    let late = Note {
        day: date(10_000, 1, 1),
        due: None,
    };
    let error = app.unit().handle(late.to("diary-1")).await.unwrap_err();
    let told = format!("{error:?}");
    assert!(told.contains("outside of the years 0 to 9999"), "{told}");
}
