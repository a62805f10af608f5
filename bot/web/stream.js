// Gradio's server ends the stream of a visitor's events with the last of them, and its page asks for a new stream with
// the next event, unless the old one seems to go on. An event that comes just then would be listened to by nobody, and
// the page would wait for ever. So Gradio's page gets one stream that never ends: this script puts the server's streams
// into it one after another, and asks for the next as soon as an event is there that has not come to its end.

{
  const ask = window.fetch.bind(window);
  const waiting = new Set(); // events that Gradio's page waits for
  const early = new Set(); // events that came to their end before the page was told that they were taken
  let wake = () => {};

  const join = async (...asked) => {
    const response = await ask(...asked);
    const { event_id: event } = await response.clone().json().catch(() => ({}));
    if (event && !early.delete(event)) {
      waiting.add(event);
      wake();
    }
    return response;
  };

  const read = (message) => {
    try {
      return JSON.parse(message.replace(/^data:/, ""));
    } catch {
      return {};
    }
  };

  // Hands on what one stream of the server says, but not that it is over.
  const handOn = async (response, page) => {
    if (!response.ok) throw response;
    const encoder = new TextEncoder();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) throw new TypeError("The connection was lost.");
      const messages = (rest + value).split("\n\n");
      rest = messages.pop();
      for (const message of messages) {
        const { msg, event_id: event } = read(message);
        if (msg === "close_stream") {
          reader.cancel().catch(() => {});
          return;
        }
        if (msg === "process_completed" && !waiting.delete(event)) early.add(event);
        page.enqueue(encoder.encode(`${message}\n\n`));
      }
    }
  };

  const listen = async (...asked) => {
    const request = new Request(...asked);
    const first = await ask(request);
    if (!first.ok) return first;
    request.signal.addEventListener("abort", () => wake());
    const start = async (page) => {
      try {
        for (let response = first; ; response = await ask(request)) {
          await handOn(response, page);
          request.signal.throwIfAborted();
          if (!waiting.size) await new Promise((go) => (wake = go));
        }
      } finally {
        waiting.clear(); // the server gives up the events of whoever no longer listens
      }
    };
    return new Response(new ReadableStream({ start }), first);
  };

  window.fetch = (what, how) => {
    const { pathname } = new URL(what.url ?? what, document.baseURI);
    if (pathname.endsWith("/queue/join")) return join(what, how);
    return pathname.endsWith("/queue/data") ? listen(what, how) : ask(what, how);
  };
}
