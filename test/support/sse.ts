/** `text/event-stream` as a client reads it (WHATWG HTML, 9.2.6), from bytes that may end anywhere. */

/** One event of a stream. */
export interface SseEvent {
  /** The event's own id; undefined where it has none. */
  readonly id: string | undefined;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** Takes bytes as they come; gives an event once its blank line has come. */
export class SseReader {
  readonly #decoder = new TextDecoder();
  #rest = "";
  /** What the stream asked for, in milliseconds. */
  retryMs: number | undefined;
  comments = 0;

  /** @returns the events that these bytes complete */
  read(bytes: Uint8Array): SseEvent[] {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    const blocks = this.#rest.split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => this.#event(block));
  }

  #event(block: string): SseEvent[] {
    let [id, type, data]: [string | undefined, string, string | undefined] = [
      undefined,
      "message",
      undefined,
    ];
    for (const line of block.split("\n")) {
      if (line.startsWith(":")) this.comments++;
      const [, field, value = ""] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (field === "id") id = value;
      if (field === "event") type = value;
      if (field === "data") data = data === undefined ? value : `${data}\n${value}`;
      if (field === "retry") this.retryMs = Number(value);
    }
    return data === undefined ? [] : [{ id, type, data: JSON.parse(data) as Record<string, unknown> }];
  }
}

/** Reads a response to its end. */
export async function readStream(response: Response): Promise<{ events: SseEvent[]; reader: SseReader }> {
  const reader = new SseReader();
  const events: SseEvent[] = [];
  if (response.body) for await (const bytes of response.body) events.push(...reader.read(bytes));
  return { events, reader };
}
