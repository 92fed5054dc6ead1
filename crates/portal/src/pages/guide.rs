//! The documents, with the addresses of this station filled in.

use axum::extract::Path;
use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Options, Parser, html::push_html};

use crate::{
    fault::Fault,
    html::frame,
    text::{Language, Texts},
    view::View,
};

/// A document: its path, name, and text in each language.
struct Document {
    path: &'static str,
    title: fn(&'static Texts) -> &'static str,
    english: &'static str,
    chinese: &'static str,
}

static DOCUMENTS: [Document; 3] = [
    Document {
        path: "quick-start",
        title: |t| t.guide_quick_start,
        english: include_str!("../../../../docs/quick-start.md"),
        chinese: include_str!("../../../../docs/quick-start.zh.md"),
    },
    Document {
        path: "sources",
        title: |t| t.guide_sources,
        english: include_str!("../../../../docs/sources.md"),
        chinese: include_str!("../../../../docs/sources.zh.md"),
    },
    Document {
        path: "access",
        title: |t| t.guide_access,
        english: include_str!("../../../../docs/access-guide.md"),
        chinese: include_str!("../../../../docs/access-guide.zh.md"),
    },
];
/// What documents call the station where they cannot know its address.
const PLACEHOLDER_URL: &str = "http://127.0.0.1:8080";
const PLACEHOLDER_HOST: &str = "127.0.0.1:8080";
const PLACEHOLDER_ORG: &str = "521853156991105";

/// `GET /guide`
pub(crate) async fn first(view: View) -> Markup {
    draw(&view, &DOCUMENTS[0])
}

/// `GET /guide/{name}`
pub(crate) async fn show(view: View, Path(name): Path<String>) -> Result<Markup, Fault> {
    let document = DOCUMENTS.iter().find(|document| document.path == name).ok_or(Fault::NotFound)?;
    Ok(draw(&view, document))
}

fn draw(view: &View, document: &Document) -> Markup {
    let title = (document.title)(view.t);
    let content = html! {
        div.with-toc {
            (contents(view, document.path))
            article.prose { (PreEscaped(render(view, document))) }
        }
    };
    frame::page(view, title, content)
}

/// What there is to read.
pub(crate) fn contents(view: &View, shown: &str) -> Markup {
    let all = DOCUMENTS.iter().map(|document| (document.path, (document.title)(view.t)));
    html! {
        nav.toc aria-label=(view.t.nav_guide) { ul {
            @for (path, title) in all.chain([("reference", view.t.guide_reference)]) {
                li { a href=(format!("/guide/{path}")) aria-current=[(path == shown).then_some("page")] { (title) } }
            }
            li { a href="/api/openapi.json" { (view.t.guide_management) } }
        } }
    }
}

/// The document as HTML. What is filled in is escaped by the renderer like everything else in it.
fn render(view: &View, document: &Document) -> String {
    let text = match view.language {
        Language::English => document.english,
        Language::Chinese => document.chinese,
    };
    let mut text = text.replace(PLACEHOLDER_URL, &view.url).replace(PLACEHOLDER_HOST, view.host());
    if let Some((actor, _)) = &view.signed_in {
        text = text.replace(PLACEHOLDER_ORG, &actor.org.to_string());
    }
    let mut options = Options::empty();
    options.insert(Options::ENABLE_TABLES);
    let mut html = String::with_capacity(2 * text.len());
    push_html(&mut html, Parser::new_ext(&text, options));
    html
}
