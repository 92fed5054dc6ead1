//! `GET /measurements`: what can be measured, with ids and units.

use maud::{Markup, html};

use crate::{
    fields::Asked,
    html::{frame, parts},
    view::View,
};

pub(crate) async fn list(view: View, Asked(asked): Asked) -> Markup {
    let t = view.t;
    let search = asked.get("search").trim().to_lowercase();
    let found: Vec<_> = model::measurements()
        .iter()
        .map(|known| (known, view.measurement(known.id).0))
        .filter(|(known, name)| {
            [name.as_str(), known.name, known.unit, &known.id.to_string()]
                .iter()
                .any(|text| text.to_lowercase().contains(&search))
        })
        .collect();
    let content = html! {
        (parts::head(t.nav_measurements, t.measurements_help, parts::nothing()))
        form.filters method="get" role="search" {
            div.row.grow { label for="search" { (t.search) } input #search name="search" type="search" value=(asked.get("search")); }
            button { (t.search) }
        }
        section.card { div.scroll { table.cards {
            thead { tr {
                th.num scope="col" { "ID" } th scope="col" { (t.name) } th scope="col" { (t.unit) } th scope="col" { (t.value_range) } th scope="col" { (t.remark) }
            } }
            tbody {
                @for (known, name) in &found {
                    tr {
                        td.num data-label="ID" { (known.id) }
                        th scope="row" { (name) }
                        td data-label=(t.unit) { (known.unit) }
                        td data-label=(t.value_range) { (known.value_range) }
                        td data-label=(t.remark) { (known.remark) }
                    }
                }
            }
        } } }
    };
    frame::page(&view, t.nav_measurements, content)
}
