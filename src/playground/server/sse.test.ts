import { describe, expect, it } from "vitest";
import { EventParser, eventsOf, type ServerEvent } from "./sse.ts";

const TEXT =
  'retry: 1000\n\n: keep-alive\n\nid: 1\nevent: video.queued\ndata: {"a":1}\n\n' +
  'event: progress\ndata: {"b":"é🙂"}\n\nid: 2\nevent: decision\ndata: {"c":3}\n\n';
const EVENTS = [
  { id: "1", type: "video.queued", data: '{"a":1}' },
  { id: undefined, type: "progress", data: '{"b":"é🙂"}' },
  { id: "2", type: "decision", data: '{"c":3}' },
];

describe("events", () => {
  it("are the same wherever the bytes are cut", async () => {
    const bytes = new TextEncoder().encode(TEXT);
    for (let at = 0; at <= bytes.length; at++) {
      const cut = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(bytes.slice(0, at));
          controller.enqueue(bytes.slice(at));
          controller.close();
        },
      });
      const found: ServerEvent[] = [];
      for await (const event of eventsOf(cut)) found.push(event);
      expect(found).toEqual(EVENTS);
    }
  });

  it("may end their lines as they like", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const parser = new EventParser();
      const text = `${TEXT.replaceAll("\n", end)}\n`;
      expect([...text].flatMap((letter) => parser.push(letter))).toEqual(EVENTS);
    }
  });

  it("that are cut off are none", () => {
    expect(new EventParser().push("id: 1\ndata: {}\n")).toEqual([]);
  });

  it("close the connection when nobody listens any more", async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode(TEXT)),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const _ of eventsOf(body)) break;
    expect(cancelled).toBe(true);
  });
});
