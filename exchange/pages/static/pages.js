// Keys, the board's refresh, a form that is sent once, and a decision that survives a log-in that has gone. Pages work
// without it.
"use strict";

const AGAIN = 3000;
let sending = false;

// What is on its way is not sent again: a second press, or a key held down, would open, decide or undo once more, and be
// told that it was not done. A form that leads to another page may be sent again after some seconds, when nothing came.
function hold(form) {
  sending = true;
  form.setAttribute("aria-busy", "true");
}

function release() {
  sending = false;
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
}

addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (sending) { event.preventDefault(); event.stopImmediatePropagation(); return; }
  hold(event.target);
  if (!event.target.matches("#decide, .sent")) setTimeout(release, AGAIN);
}, true);
addEventListener("pageshow", release); // who comes back by the browser's key finds it as it was

const typing = (event) => event.ctrlKey || event.altKey || event.metaKey || event.target.closest("textarea, select, input[type=text]");

function refresh(live) {
  const seconds = Number(live.dataset.refresh);
  setInterval(async () => {
    if (document.hidden) return;
    const updated = document.getElementById("updated");
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = answer.ok && page.getElementById("live");
      if (!fresh) throw new Error(answer.status);
      if (renew(live, fresh)) updated.replaceChildren(...page.getElementById("updated").childNodes);
    } catch { updated.textContent = updated.dataset.lost; }
  }, seconds * 1000);
}

// Puts what is new in the place of what was, with the focus and what was scrolled where they were. Not while somebody has
// marked text there, or has the focus on a link that is gone: whether it was done.
function renew(live, fresh) {
  if (fresh.innerHTML === live.innerHTML) return true;
  const places = (root) => [...root.querySelectorAll(".wide")];
  const focused = live.contains(document.activeElement) ? document.activeElement : null;
  const same = focused && (focused.matches(".wide")
    ? places(fresh)[places(live).indexOf(focused)]
    : [...fresh.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused.getAttribute("href")));
  const marked = document.getSelection();
  if ((focused && !same) || (!marked.isCollapsed && live.contains(marked.anchorNode))) return false;
  const scrolled = places(live).map((place) => place.scrollLeft);
  live.replaceChildren(...fresh.childNodes);
  places(live).forEach((place, index) => { place.scrollLeft = scrolled[index] ?? 0; });
  same?.focus({ preventScroll: true });
  return true;
}

function list(buttons) {
  document.addEventListener("keydown", (event) => {
    if (event.key === "u" && !typing(event)) document.querySelector("button.undo")?.focus();
    if (event.key === "n" && !typing(event)) document.querySelector("form.next")?.requestSubmit();
    if (typing(event) || !["j", "k"].includes(event.key)) return;
    const at = buttons.indexOf(document.activeElement);
    const next = buttons[Math.min(buttons.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))];
    if (next) next.focus();
  });
}

function decide(form) {
  const next = document.getElementById("next");
  const columns = [...form.querySelectorAll("fieldset.column")];
  let here = 0;
  const show = (number) => {
    if (columns[number]?.disabled) return;
    here = Math.min(columns.length - 1, Math.max(0, number));
    columns.forEach((column, index) => column.classList.toggle("here", index === here));
    columns[here]?.scrollIntoView({ block: "nearest" });
  };
  // Where the identity is anything but consistent the other columns follow from it, and are not asked for.
  const follow = () => {
    const identity = form.querySelector('input[name="answer.identity"]:checked');
    const follows = identity !== null && identity.value !== "consistent";
    for (const column of columns) if (column !== identity?.closest("fieldset")) column.disabled = follows;
    const told = document.getElementById("follows");
    if (told) told.hidden = !follows;
  };
  const propose = () => {
    form.querySelectorAll("[data-proposal]").forEach((input) => { input.checked = true; });
    follow();
    const last = form.querySelector("option[data-last]");
    if (last) last.selected = true;
    (last ? form.querySelector("button.main") : form.elements.reason).focus();
  };
  const keep = () => {
    form.querySelectorAll("input[data-before]").forEach((input) => { input.checked = true; });
    form.querySelectorAll("option[data-before]").forEach((option) => { option.selected = true; });
    follow();
    form.elements.note.focus();
  };
  form.addEventListener("change", follow);
  show(0);
  document.getElementById("propose").addEventListener("click", propose);
  document.getElementById("keep")?.addEventListener("click", keep);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "Enter") { event.preventDefault(); form.requestSubmit(form.querySelector("button.main")); return; }
    if (typing(event)) return;
    if (event.key === "n") next?.requestSubmit();
    else if (event.key === "u") location.assign(`${document.body.dataset.base}/review#undo`);
    else if (event.key === "j") show(here + 1);
    else if (event.key === "k") show(here - 1);
    else if (event.key === "p") { event.preventDefault(); propose(); }
    else if (event.key === "o" && document.getElementById("keep")) { event.preventDefault(); keep(); }
    else if (/^[1-9]$/.test(event.key)) {
      const input = columns[here]?.querySelectorAll("input")[Number(event.key) - 1];
      if (input) { input.checked = true; follow(); show(here + 1); }
    }
  });
  sent(form, document.getElementById("trouble"));
}

// Sends a form without leaving the page, so that whatever was wrong stands beside what was typed.
function sent(form, trouble) {
  const say = (text) => { release(); trouble.textContent = text; trouble.hidden = false; };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    trouble.hidden = true;
    try {
      const body = new URLSearchParams(new FormData(form, event.submitter));
      const next = event.submitter?.id === "and-next" && document.getElementById("next");
      const answer = await fetch(form.action, { method: "POST", body, redirect: next ? "manual" : "follow" });
      if (next && answer.type === "opaqueredirect") {
        next.elements.reason.value = form.elements.reason.value; // offered again, to be seen before it is registered
        next.submit();
        setTimeout(release, AGAIN);
        return;
      }
      if (answer.redirected && answer.ok) {
        location.assign(answer.url);
        setTimeout(release, AGAIN);
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const told = ["message", "message-en"].map((id) => page.getElementById(id)?.textContent).filter(Boolean).join(" ") || null;
      if (answer.status === 401) {
        say(`${told ?? "登录已失效 You are logged out"}：在新窗口登录后回到此页再点一次，所填内容仍在。 Log in in a new window and press again here; nothing typed is lost. `);
        trouble.append(logIn());
        return;
      }
      say(told ?? `${answer.status}`);
    } catch {
      say("连接不上，请稍后再点。 No connection; press again later.");
    }
  });
}

function logIn() {
  const link = document.createElement("a");
  link.href = document.body.dataset.login;
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = "重新登录 Log in";
  return link;
}

// Airflow shows the pages in a frame that may neither lead the whole window away nor open another; a link of its own
// document may.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[target="_top"], a[target="_blank"]');
  if (!link || window.parent === window) return;
  event.preventDefault();
  const outside = window.parent.document.createElement("a");
  outside.href = link.href;
  outside.target = link.target;
  outside.click();
});

document.addEventListener("keydown", (event) => {
  const keys = document.getElementById("keys");
  if (event.key !== "?" || typing(event) || !keys) return;
  keys.open = !keys.open;
  keys.scrollIntoView({ block: "nearest" });
});

const live = document.getElementById("live");
if (live) refresh(live);
const buttons = [...document.querySelectorAll("button.open")];
if (buttons.length || document.querySelector("button.undo")) list(buttons);
if (location.hash === "#undo") document.querySelector("button.undo")?.focus();
const form = document.getElementById("decide");
if (form) decide(form);
for (const each of document.querySelectorAll("form.sent")) sent(each, each.querySelector(".trouble") ?? document.querySelector(".trouble"));
