// The topic tester: what comes under a filter, the newest first.

const KEPT = 50;
const form = document.querySelector("form[data-stream-tester]");
const messages = document.querySelector("[data-stream-messages]");
const refused = document.querySelector("[data-stream-refused]");
let source;

const cell = (text) => {
  const cell = document.createElement("td");
  cell.className = "mono";
  cell.textContent = text;
  return cell;
};

const show = ({ topic, payload }) => {
  const row = document.createElement("tr");
  row.append(cell(topic), cell(JSON.stringify(payload)));
  messages.prepend(row);
  while (messages.children.length > KEPT) messages.lastChild.remove();
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  source?.close();
  messages.replaceChildren();
  refused.hidden = true;
  const filter = form.elements.filter.value.trim();
  const query = filter && `?${new URLSearchParams({ filter })}`;
  source = new EventSource(`/api/live${query}`);
  source.addEventListener("message", ({ data }) => show(JSON.parse(data)));
  // A connection that was lost is opened again by itself; one that was refused is not.
  source.addEventListener("error", () => { refused.hidden = source.readyState !== EventSource.CLOSED; });
});

// As in app.js: a page kept for "back" would hold its connection.
addEventListener("pagehide", () => source?.close());
