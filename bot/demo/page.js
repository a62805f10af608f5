// What simcord's page lacks for a visitor: channels, people, message menus, new reactions and a first hint.

// Before simcord's own script runs: the page carries the key that it looks for in the address.
const key = document.querySelector('meta[name="session-key"]').content;
history.replaceState(null, "", `#${key}`);

const EMOJI = ["👍", "❤️", "😂", "🔥", "😮", "💀"];
// One at a time: what it is, what the button says, and what it does.
const TIPS = [
  ["Ask how a message sounds:", "/sentiment this slaps fr 🔥", () => startCommand("sentiment", "this slaps fr 🔥")],
  ["See how this channel has felt:", "/mood channel", () => startCommand("mood channel", "", true)],
  ["See an alert, live:", "Start a storm", () => startStorm()],
  ["Set me up, as an admin would:", "/setup", () => startCommand("setup", "", true)],
  ["Too much? Read the three pages:", "/help", () => startCommand("help", "", true)],
];
let tip = 0;

async function call(kind, body = {}) {
  const response = await fetch("/api/action", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-Simcord-Capability": key,
      "X-Simcord-Context": window.simcordPreview.contextId,
    },
    body: JSON.stringify({ kind, ...body }),
  });
  const answer = await response.json();
  if (answer.error) toast(answer.error);
  return answer;
}

function element(tag, className, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function button(className, text, label, press) {
  const made = element("button", className, text, { type: "button", "aria-label": label, title: label });
  made.addEventListener("click", press);
  return made;
}

function until(found) {
  return new Promise((resolve) => {
    const look = () => {
      const value = found();
      if (value) resolve(value);
      else setTimeout(look, 30);
    };
    look();
  });
}

function toast(text) {
  document.querySelector(".demo-toast")?.remove();
  const shown = element("div", "demo-toast", text, { role: "alert" });
  document.body.append(shown);
  setTimeout(() => shown.remove(), 5000);
}

// ---- the frame: channels on the left, people on the right

function addChannels(server) {
  const sidebar = document.querySelector("#messages-sidebar");
  sidebar.setAttribute("aria-label", "Channels");
  const list = element("nav", "demo-channels", "", { "aria-label": "Channels" });
  for (const name of server.channels) {
    const entry = button("demo-channel", "", `Go to #${name}`, () => goTo(name));
    entry.dataset.channel = name;
    entry.append(element("span", "demo-hash", "#"), element("span", "", name));
    list.append(entry);
  }
  const storm = button("demo-storm", "🌩 Start a storm", "Start a storm: everyone in #gaming gets angry", startStorm);
  sidebar.replaceChildren(element("h1", "demo-server", server.server), element("h2", "demo-heading", "Text channels"), list, storm);
  const toggle = document.querySelector("#messages-toggle");
  toggle.replaceChildren(element("span", "demo-hash", "☰"));
  toggle.setAttribute("aria-label", "Channels");
}

async function goTo(name) {
  showCurrentChannel(name);
  if (document.querySelector(".messages-open")) document.querySelector("#drawer-scrim").click();
  await call("demo_channel", { name });
}

function showCurrentChannel(name) {
  for (const entry of document.querySelectorAll(".demo-channel")) {
    if (entry.dataset.channel === name) entry.setAttribute("aria-current", "page");
    else entry.removeAttribute("aria-current");
  }
}

function addPeople(server) {
  const aside = element("aside", "demo-people", "", { "aria-label": "Members" });
  const group = (title, members) => {
    aside.append(element("h2", "demo-heading", `${title} — ${members.length}`));
    for (const member of members) {
      const row = button("demo-person", "", member.bot ? "Vibecheck, online" : `Write as ${member.name}`, () => writeAs(member));
      row.dataset.member = member.id;
      row.disabled = Boolean(member.bot);
      const face = element("span", "demo-face");
      const image = element("img", "", "", { src: `/avatars/${member.id}.png`, alt: "" });
      face.append(image, element("i", "demo-online"));
      const name = element("span", "demo-name", member.name);
      if (member.colour) name.style.color = member.colour;
      row.append(face, name);
      if (member.bot) row.append(element("span", "message-app-badge", "APP"));
      aside.append(row);
    }
  };
  group("Bot", server.members.filter((member) => member.bot));
  group("Online", server.members.filter((member) => !member.bot));
  document.querySelector("#preview-workspace").append(aside);
}

function writeAs(member) {
  const picker = document.querySelector("#viewer-picker");
  picker.value = member.id;
  picker.dispatchEvent(new Event("change"));
}

// ---- the hint above the place to type

function addHint(composer) {
  const hint = element("div", "demo-hint", "", { role: "note" });
  const show = () => {
    const [words, label, press] = TIPS[tip % TIPS.length];
    const does = label.startsWith("/") ? `Write ${label}` : label;
    hint.replaceChildren(
      element("span", "", words),
      button("demo-try", label, does, () => { next(); press(); }),
      button("demo-next", "Next tip", "Next tip", next),
    );
  };
  const next = () => { tip += 1; show(); };
  show();
  composer.before(hint);
}

async function startStorm() {
  const answer = await call("demo_storm");
  if (answer.channel) await goTo(answer.channel);
}

// ---- sending: what is written while the page is busy waits its turn instead of being lost

const outbox = [];
let sending = false;

async function drain() {
  if (sending) return;
  sending = true;
  while (outbox.length) {
    showWaiting();
    try { await call("demo_send", outbox[0]); } catch { toast("The demo has stopped. Start it again."); }
    outbox.shift();
  }
  sending = false;
  showWaiting();
}

function showWaiting() {
  document.querySelector(".demo-waiting")?.remove();
  if (outbox.length < 2) return;
  const words = `Sending ${outbox.length} messages…`;
  document.querySelector(".demo-hint")?.append(element("span", "demo-waiting", words, { role: "status" }));
}

document.addEventListener("submit", (event) => {
  const input = document.querySelector("#channel-composer-input");
  if (event.target.id !== "channel-composer" || !(input instanceof HTMLTextAreaElement)) return;
  const reply = document.querySelector("#reply-banner, .composer-reply");
  const text = input.value.trim();
  if (!text || text.startsWith("/") || document.querySelector(".command-row") || (reply && !reply.hidden)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  input.value = "";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  const channel = document.querySelector(".demo-channel[aria-current]").dataset.channel;
  outbox.push({ text, channel, viewer: window.simcordPreview.viewerId });
  drain();
}, { capture: true });

async function startCommand(name, rest, complete = false) {
  document.querySelector(".command-context-close")?.click();
  const input = await until(() => document.querySelector("#channel-composer-input"));
  input.value = `/${name}`;
  input.focus();
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await fillCommand(name, rest, complete);
}

async function fillCommand(name, rest, complete) {
  const entry = await until(() =>
    [...document.querySelectorAll(".command-entry")].find((item) => item.querySelector("strong")?.textContent === `/${name}`));
  entry.click();
  if (complete) {
    // Nothing is left to be filled in: it is sent at once. A command that somebody is typing never is.
    await until(() => document.querySelector(".command-row") && window.simcordPreview.pendingAction === null);
    document.querySelector("#channel-composer").requestSubmit();
    return;
  }
  if (!rest) return;
  const field = await until(() => document.querySelector(".command-option-input"));
  field.value = rest;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

// As in Discord, "/name " chooses a command without subcommands, and what follows goes into its first option.
document.addEventListener("input", (event) => {
  if (event.target.id !== "channel-composer-input") return;
  const typed = /^\/(\S+) (.*)$/s.exec(event.target.value);
  if (!typed || !commands.has(typed[1])) return;
  event.stopImmediatePropagation();
  startCommand(typed[1], typed[2]);
}, { capture: true });

// Choosing an option's value with the mouse leaves the focus nowhere; Enter sends all the same.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || document.activeElement !== document.body || !document.querySelector(".command-row")) return;
  event.preventDefault();
  document.querySelector("#channel-composer").requestSubmit();
});

// ---- messages: reactions, and the bot's message commands

// Written once only: what watches the page for changes would see its own, for ever.
const THINKING = "Vibecheck is thinking…";

let menus = [];
let commands = new Set(["sentiment"]);

function decorateMessage(article) {
  if (article.querySelector(".demo-more")) return;
  const id = article.dataset.messageId;
  const loading = article.querySelector(".message-loading");
  if (loading && loading.textContent !== THINKING) loading.textContent = THINKING;
  if (article.querySelector(".message-ephemeral-note")) return;
  let tools = article.querySelector(".message-context-actions");
  if (!tools) {
    tools = element("div", "message-context-actions", "", { role: "toolbar" });
    article.append(tools);
  }
  for (const emoji of EMOJI.slice(0, 3)) {
    tools.append(button("message-action-button demo-react", emoji, `React with ${emoji}`, () => call("demo_react", { message_id: id, emoji })));
  }
  tools.append(button("message-action-button demo-more", "⋯", "More", (event) => {
    const place = event.currentTarget.getBoundingClientRect();
    openMenu(id, place.right, place.bottom);
  }));
}

function openMenu(id, x, y) {
  closeMenu();
  const menu = element("div", "demo-menu", "", { role: "menu" });
  const faces = element("div", "demo-menu-faces");
  for (const emoji of EMOJI) {
    faces.append(button("demo-menu-face", emoji, `React with ${emoji}`, () => { closeMenu(); call("demo_react", { message_id: id, emoji }); }));
  }
  menu.append(faces, element("div", "demo-menu-heading", "Apps"));
  for (const name of menus) {
    const item = button("demo-menu-item", name, name, () => { closeMenu(); call("demo_menu", { message_id: id, name }); });
    item.setAttribute("role", "menuitem");
    menu.append(item);
  }
  document.body.append(menu);
  const size = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(x - size.width, innerWidth - size.width - 8))}px`;
  menu.style.top = `${y + size.height > innerHeight - 8 ? Math.max(8, y - size.height - 32) : y + 4}px`;
  menu.querySelector(".demo-menu-item")?.focus();
}

function closeMenu() {
  document.querySelector(".demo-menu")?.remove();
}

document.addEventListener("pointerdown", (event) => { if (!event.target.closest(".demo-menu")) closeMenu(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenu(); });
document.addEventListener("contextmenu", (event) => {
  const article = event.target.closest(".channel-message");
  if (!article || event.target.closest("a, textarea, input") || article.querySelector(".message-ephemeral-note")) return;
  event.preventDefault();
  openMenu(article.dataset.messageId, event.clientX + 200, event.clientY);
});

function decorate() {
  document.querySelectorAll(".channel-message").forEach(decorateMessage);
  const picker = document.querySelector("#viewer-picker");
  for (const row of document.querySelectorAll(".demo-person")) row.classList.toggle("is-writing", row.dataset.member === picker.value);
  const composer = document.querySelector("#channel-composer");
  if (composer && !document.querySelector(".demo-hint")) addHint(composer);
}

document.querySelector(".viewer-control").firstChild.textContent = "Writing as ";
await until(() => window.simcordPreview?.contextId);
const { locale, timeZone } = Intl.DateTimeFormat().resolvedOptions();
const server = await call("demo_hello", { locale, timezone: timeZone });
menus = server.menus;
commands = new Set(server.commands);
addChannels(server);
addPeople(server);
showCurrentChannel(server.current);
new MutationObserver(decorate).observe(document.querySelector("#preview-shell"), { childList: true, subtree: true });
decorate();
