/** Server-sent events of a body, after the HTML standard's parsing (section 9.2.6), as far as the API writes them. */

export interface ServerEvent {
  /** Of events that are kept: what `Last-Event-ID` names. */
  readonly id: string | undefined;
  readonly type: string;
  readonly data: string;
}

/** Takes text in pieces of any size, and gives the events that are whole. */
export class EventParser {
  #rest = "";

  push(text: string): ServerEvent[] {
    // A carriage return at the end may be half of a line's end.
    const all = this.#rest + text;
    const held = all.endsWith("\r") ? "\r" : "";
    const blocks = all
      .slice(0, all.length - held.length)
      .replace(/\r\n?/g, "\n")
      .split("\n\n");
    this.#rest = (blocks.pop() ?? "") + held;
    return blocks.flatMap(eventOf);
  }
}

/** None for a block without data: comments, and how long to wait before coming again. */
function eventOf(block: string): ServerEvent[] {
  const fields = block.split("\n").flatMap((line) => {
    const [, name = "", value = ""] = /^([a-z]+):? ?(.*)$/.exec(line) ?? [];
    return name === "" ? [] : [[name, value] as const];
  });
  const data = fields.flatMap(([name, value]) => (name === "data" ? [value] : []));
  if (data.length === 0) return [];
  const last = (wanted: string) => fields.findLast(([name]) => name === wanted)?.[1];
  return [{ id: last("id"), type: last("event") ?? "message", data: data.join("\n") }];
}

/** The events of a body, until it ends. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      yield* parser.push(decoder.decode(part.value, { stream: true }));
  } finally {
    // Whoever stops listening early closes the connection by it.
    await reader.cancel().catch(() => undefined);
  }
}
